import type { JSX } from 'preact';
import type { Texts } from '../i18n/texts.ts';

/** An on/off switch. Its text is the current state, and pressing it requests the other one. */
export function Switch(props: {
  readonly label: string;
  readonly isOn: boolean;
  readonly isWaiting: boolean;
  readonly texts: Texts;
  readonly onChange: (isOn: boolean) => void;
}): JSX.Element {
  const { label, isOn, isWaiting, texts, onChange } = props;
  return (
    <button
      type="button"
      class="act switch"
      role="switch"
      aria-checked={isOn}
      aria-disabled={isWaiting}
      aria-label={label}
      onClick={() => {
        if (!isWaiting) onChange(!isOn);
      }}
    >
      <i aria-hidden="true" />
      <span>{texts.say(isOn ? 'consent.on' : 'consent.off')}</span>
    </button>
  );
}
