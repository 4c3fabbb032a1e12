import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { TextKey } from '../i18n/texts.ts';
import { LANGUAGES } from '../i18n/languages.ts';
import { Act, Banner, Dialog } from '../ui/controls.tsx';
import { Icon, type IconName } from '../ui/icons.tsx';
import { call, type Reply, toFilePath, toRefusal } from './api.ts';
import {
  type CategoryContents,
  SHOWN_FILE_MAX_BYTES,
  toFileContents,
  toPreviewContents,
} from './contents.ts';
import { type Look, LOOKS } from '../ui/look.ts';
import { toNoticeText } from './notice.ts';
import type { Sheet } from './state.ts';
import { toCategoryName } from './statement.ts';
import type { View } from './view.ts';

/** The dialog or sheet in front of the page. */
export function OpenSheet({ sheet, view }: { readonly sheet: Sheet; readonly view: View }): JSX.Element {
  const { texts, acts, state } = view;
  const { say } = texts;
  const close = (): void => acts.ask(undefined);
  switch (sheet.kind) {
    case 'display':
      return <Display view={view} />;
    case 'preview':
      return <Preview view={view} />;
    case 'file':
      return <FileView view={view} name={sheet.name} sizeBytes={sheet.sizeBytes} />;
    case 'enrol':
      return <Enrol view={view} />;
    case 'again':
      return (
        <Question
          title={say('ask.again.title')}
          says={say('ask.again.says')}
          no={say('ask.again.no')}
          yes={say('ask.again.yes')}
          onNo={close}
          onYes={acts.exportEverything}
        />
      );
    case 'cancel':
      return (
        <Question
          title={say('ask.cancel.title')}
          says={say('ask.cancel.says')}
          no={say('ask.cancel.no')}
          yes={say('ask.cancel.yes')}
          onNo={close}
          onYes={() => acts.cancel(sheet.queueId)}
        />
      );
    case 'clear': {
      const files = state.queue?.completed ?? [];
      const size = texts.bytes(files.reduce((sum, { file_size_bytes }) => sum + file_size_bytes, 0));
      return (
        <Question
          title={say('ask.clear.title')}
          says={say('ask.clear.says', { n: files.length, size })}
          no={say('ask.clear.no')}
          yes={say('ask.clear.yes', { n: files.length })}
          onNo={close}
          onYes={acts.clearDelivered}
        />
      );
    }
    default:
      return sheet satisfies never;
  }
}

/** Confirms an action that cannot be undone. The safe answer comes first and has the focus. Escape also chooses it. */
function Question(props: {
  readonly title: string;
  readonly says: string;
  readonly no: string;
  readonly yes: string;
  readonly onNo: () => void;
  readonly onYes: () => void;
}): JSX.Element {
  return (
    <Dialog label={props.title} role="alertdialog" onClose={props.onNo}>
      <h2>{props.title}</h2>
      <p>{props.says}</p>
      <div class="apart">
        <Act look="main" focusFirst onPress={props.onNo}>
          {props.no}
        </Act>
        <Act look="bad" onPress={props.onYes}>
          {props.yes}
        </Act>
      </div>
    </Dialog>
  );
}

/** Asks for the code that the owner received from the operator of central. */
function Enrol({ view }: { readonly view: View }): JSX.Element {
  const { texts, acts, state } = view;
  const { say } = texts;
  const [code, setCode] = useState('');
  const answer = state.notice === undefined ? undefined : toNoticeText(state.notice, texts);
  const enrol = (): void => {
    if (code.trim() !== '') acts.enrol(code);
  };
  return (
    <Dialog label={say('enrol.title')} onClose={() => acts.ask(undefined)}>
      <h2>{say('enrol.title')}</h2>
      <p>{say('enrol.says')}</p>
      <label class="field">
        <span>{say('enrol.label')}</span>
        <input
          type="text"
          dir="ltr"
          autocomplete="one-time-code"
          autocapitalize="characters"
          spellcheck={false}
          maxLength={CODE_LENGTH_MAX}
          value={code}
          autofocus
          onInput={({ currentTarget }) => setCode(currentTarget.value)}
          onKeyDown={({ key }) => {
            if (key === 'Enter') enrol();
          }}
        />
      </label>
      {answer !== undefined && (
        <Banner tone={answer.tone} icon="failed" role="alert">
          <b>{answer.text}</b>
          {answer.seen !== undefined && <span class="note">{say('seen', { detail: answer.seen })}</span>}
        </Banner>
      )}
      <div class="answers">
        <Act look="main" isWaiting={code.trim() === '' || state.act !== undefined} onPress={enrol}>
          {state.act === 'enrol' ? say('act.checking') : say('enrol.yes')}
        </Act>
        <Act onPress={() => acts.ask(undefined)}>{say('act.close')}</Act>
      </div>
    </Dialog>
  );
}

/** Maximum length of the typed code, including spaces and hyphens. */
const CODE_LENGTH_MAX = 40;

const LOOK_TEXTS = {
  auto: ['display', 'display.auto', 'display.auto.note'],
  day: ['day', 'display.day', 'display.day.note'],
  night: ['night', 'display.night', 'display.night.note'],
  watch: ['look', 'display.watch', 'display.watch.note'],
} as const satisfies Readonly<Record<Look, readonly [IconName, TextKey, TextKey]>>;

function Display({ view }: { readonly view: View }): JSX.Element {
  const { texts, acts } = view;
  const { look } = view.state;
  const { say } = texts;
  return (
    <Dialog label={say('display.title')} isWide onClose={() => acts.ask(undefined)}>
      <header class="dialog__head">
        <h2>{say('display.title')}</h2>
        <Act look="main" focusFirst onPress={() => acts.ask(undefined)}>
          {say('act.close')}
        </Act>
      </header>
      <div class="looks" role="radiogroup" aria-label={say('display.title')}>
        {LOOKS.map((one) => {
          const [icon, name, note] = LOOK_TEXTS[one];
          return (
            <button
              key={one}
              type="button"
              class="act"
              role="radio"
              aria-checked={one === look}
              onClick={() => acts.setLook(one)}
            >
              <Icon name={icon} />
              <span>
                {say(name)}
                <br />
                <span class="note">{say(note)}</span>
              </span>
            </button>
          );
        })}
      </div>
      <Languages view={view} />
    </Dialog>
  );
}

function Languages({ view }: { readonly view: View }): JSX.Element {
  const { say } = view.texts;
  return (
    <>
      <h2>{say('display.language')}</h2>
      <div class="languages" role="radiogroup" aria-label={say('display.language')}>
        {Object.entries(LANGUAGES).map(([language, name]) => (
          <button
            key={language}
            type="button"
            class="act"
            role="radio"
            lang={language}
            aria-checked={language === view.texts.language}
            onClick={() => view.acts.setLanguage(language)}
          >
            {name}
          </button>
        ))}
      </div>
    </>
  );
}

/** The contents of a sheet: a loading message, the loaded contents, or the reason why they cannot be shown. */
type Loaded =
  | { readonly kind: 'loading' }
  | { readonly kind: 'contents'; readonly contents: readonly CategoryContents[] }
  | { readonly kind: 'refused'; readonly text: string };

function Preview({ view }: { readonly view: View }): JSX.Element {
  const { texts } = view;
  const { say } = texts;
  const [loaded, setLoaded] = useState<Loaded>({ kind: 'loading' });
  useEffect(() => {
    void call('preview').then((reply) =>
      setLoaded(
        reply.kind === 'answer'
          ? { kind: 'contents', contents: toPreviewContents(reply.value) }
          : { kind: 'refused', text: toNoticeText(reply, texts).text },
      ),
    );
  }, []);
  const contents = loaded.kind === 'contents' ? loaded.contents : [];
  const count = contents.reduce((sum, one) => sum + one.count, 0);
  const size = texts.bytes(contents.reduce((sum, one) => sum + (one.sizeBytes ?? 0), 0));
  return (
    <ContentsSheet
      view={view}
      title={say('preview.title')}
      note={loaded.kind === 'contents' ? say('preview.total', { n: count, size }) : ''}
      loaded={loaded}
    />
  );
}

function FileView(props: {
  readonly view: View;
  readonly name: string;
  readonly sizeBytes: number;
}): JSX.Element {
  const { view, name, sizeBytes } = props;
  const { texts } = view;
  const { say } = texts;
  const size = texts.bytes(sizeBytes);
  const [loaded, setLoaded] = useState<Loaded>({ kind: 'loading' });
  useEffect(() => {
    if (sizeBytes > SHOWN_FILE_MAX_BYTES)
      return setLoaded({ kind: 'refused', text: say('view.tooLarge', { size }) });
    void readFile(name).then((value) =>
      setLoaded(
        value.kind === 'answer'
          ? { kind: 'contents', contents: toFileContents(value.value) }
          : { kind: 'refused', text: toNoticeText(value, texts).text },
      ),
    );
  }, []);
  return (
    <ContentsSheet
      view={view}
      title={say('view.title')}
      note={say('view.total', { name, size })}
      loaded={loaded}
    />
  );
}

async function readFile(name: string): Promise<Reply<unknown>> {
  try {
    const response = await fetch(toFilePath(name));
    const value: unknown = await response.json();
    if (!response.ok) return { kind: 'refused', refusal: toRefusal(value) };
    return { kind: 'answer', value };
  } catch {
    return { kind: 'refused', refusal: { code: 'UNREACHABLE', error: '', hint: '' } };
  }
}

const STATE_KEYS: Readonly<Record<string, Extract<TextKey, `preview.state.${string}`>>> = {
  ok: 'preview.state.ok',
  none: 'preview.state.none',
  empty: 'preview.state.empty',
  source_missing: 'preview.state.source_missing',
  schema_unknown: 'preview.state.schema_unknown',
  error: 'preview.state.error',
};

function ContentsSheet(props: {
  readonly view: View;
  readonly title: string;
  readonly note: string;
  readonly loaded: Loaded;
}): JSX.Element {
  const { view, title, note, loaded } = props;
  const { texts, acts } = view;
  const { say } = texts;
  return (
    <Dialog label={title} isWide onClose={() => acts.ask(undefined)}>
      <header class="dialog__head">
        <div>
          <h2>{title}</h2>
          <p class="note">{note}</p>
        </div>
        <Act look="main" focusFirst onPress={() => acts.ask(undefined)}>
          {say('act.close')}
        </Act>
      </header>
      <div class="dialog__list" aria-live="polite">
        {loaded.kind === 'loading' && <p class="empty">{say('preview.loading')}</p>}
        {loaded.kind === 'refused' && <p class="empty">{loaded.text}</p>}
        {loaded.kind === 'contents' && <p class="dialog__note note">{say('preview.never')}</p>}
        {loaded.kind === 'contents' &&
          loaded.contents.map((one) => (
            <details class="delivered" key={one.category}>
              <summary>
                <span>
                  <b>{toCategoryName(one.category, texts)}</b>
                </span>
                <span class="note">{say(STATE_KEYS[one.state] ?? 'preview.state.ok')}</span>
                <span>{say('history.records', { n: one.count })}</span>
                <span>{one.sizeBytes === undefined ? '' : texts.bytes(one.sizeBytes)}</span>
                <Icon name="open" />
              </summary>
              {one.redacted.length > 0 && (
                <p class="counted__note note">
                  {say('preview.redacted', {
                    fields: new Intl.ListFormat(texts.language).format(one.redacted),
                  })}
                </p>
              )}
              {one.detail !== '' && <p class="counted__note note">{say('seen', { detail: one.detail })}</p>}
              <ol class="records" dir="ltr">
                {one.records.map((record, index) => (
                  <li key={index}>
                    {record.map(([name, value]) => (
                      <span key={name}>
                        <code>{name}</code> <b>{value}</b>
                      </span>
                    ))}
                  </li>
                ))}
                {one.count > one.records.length && (
                  <li>{say('preview.more', { n: one.count - one.records.length })}</li>
                )}
              </ol>
            </details>
          ))}
      </div>
    </Dialog>
  );
}
