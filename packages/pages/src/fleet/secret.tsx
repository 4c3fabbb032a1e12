import { generate } from 'lean-qr';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Act } from '../ui/controls.tsx';
import type { OpenChange } from './change.ts';
import type { View } from './view.ts';

/** A new token or code, which is shown only once. */
export function Secret(props: {
  readonly view: View;
  readonly outcome: NonNullable<OpenChange['outcome']>;
}): JSX.Element {
  const { view, outcome } = props;
  const { say, fullMoment } = view.texts;
  if (outcome.kind === 'token')
    return (
      <>
        <p>
          <b>{say('secret.once')}</b> {say('secret.token.says')}
        </p>
        <code class="cli secret" dir="ltr">
          {outcome.token}
        </code>
        <Copy view={view} text={outcome.token} />
        <p class="note">
          {say('secret.token', { id: outcome.tokenId })}{' '}
          {outcome.expiresAt === null
            ? say('secret.lasts')
            : say('secret.expires', { moment: fullMoment(outcome.expiresAt) })}
        </p>
      </>
    );
  const spoken = toSpokenCode(outcome.code);
  return (
    <>
      <p>
        <b>{say('secret.once')}</b> {say('secret.code.says')}
      </p>
      <div class="enrolment">
        <p class="enrolment__code" dir="ltr">
          {spoken}
        </p>
        <QrPicture text={spoken} label={say('secret.qr')} />
      </div>
      <Copy view={view} text={spoken} />
      <p class="note">{say('secret.expires', { moment: fullMoment(outcome.expiresAt) })}</p>
      <code class="cli" dir="ltr">
        sudo d3kos-export enroll <span class="nb">{spoken}</span>
      </code>
    </>
  );
}

/**
 * Formats a code for reading: two groups of five characters. Importing the function from `@d3kos/protocol` would add all schemas
 * to the page (200 kB).
 */
function toSpokenCode(code: string): string {
  const half = code.length / 2;
  return `${code.slice(0, half)}-${code.slice(half)}`;
}

/**
 * Copies a text. Browsers offer the clipboard only over HTTPS or on central's own machine. Elsewhere, one press selects the text.
 */
function Copy({ view, text }: { readonly view: View; readonly text: string }): JSX.Element | null {
  const { say } = view.texts;
  const [isCopied, setIsCopied] = useState(false);
  // The declared type claims that the clipboard always exists.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard === undefined) return <p class="note">{say('secret.select')}</p>;
  const copy = (): void =>
    void clipboard.writeText(text).then(
      () => setIsCopied(true),
      () => setIsCopied(false),
    );
  return (
    <div role="status">
      <Act look="main" onPress={copy}>
        {say(isCopied ? 'secret.copied' : 'secret.copy')}
      </Act>
    </div>
  );
}

/** Width of the light border of a QR code, in modules. Cameras do not detect a code without it (ISO/IEC 18004). */
const QUIET_MODULES = 4;

/** Renders a string as a QR code. The code is dark on light in every theme, because many cameras cannot read inverted codes. */
function QrPicture({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const code = generate(text);
  const side = code.size + 2 * QUIET_MODULES;
  const modules = Array.from({ length: code.size }, (_, y) =>
    Array.from({ length: code.size }, (_, x) =>
      code.get(x, y) ? `M${x + QUIET_MODULES} ${y + QUIET_MODULES}h1v1h-1z` : '',
    ).join(''),
  ).join('');
  return (
    <svg
      class="qr"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${side} ${side}`}
      shape-rendering="crispEdges"
    >
      <rect width={side} height={side} fill="#fff" />
      <path d={modules} fill="#000" />
    </svg>
  );
}
