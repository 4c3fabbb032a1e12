import type { JSX } from 'preact';
import { Act, type ActProps } from '../ui/controls.tsx';
import { Fix, Parts, Port, Shore } from '../ui/graphics.tsx';
import { Icon } from '../ui/icons.tsx';
import type { Texts } from '../i18n/texts.ts';
import { Collecting } from './collecting.tsx';
import { toOnBoard } from './on-board.ts';
import { Readings } from './readings.tsx';
import { listFailedOnBoard, type Situation, toSituation } from './situation.ts';
import { toStatement } from './statement.ts';
import type { MainAct, Statement } from './words.ts';
import type { View } from './view.ts';
import { toWay } from './way.ts';

/**
 * The first screen: whether the data is safe ashore and up to when, what is still on board and why, and what the owner can do.
 */
export function Now({ view }: { readonly view: View }): JSX.Element {
  const { state, texts } = view;
  const situation = toSituation(state);
  const statement = toStatement(situation, state, texts);
  if (situation.kind === 'tier0') return <TierZero view={view} statement={statement} />;
  return (
    <div class="place__body now">
      <section class="statement" data-tone={statement.tone}>
        <span class="mark">
          <Icon name={statement.mark} />
        </span>
        <div aria-live="polite">
          <h2>{statement.title}</h2>
          <p>
            <Controls text={statement.says} texts={texts} />
          </p>
        </div>
        <MainControl view={view} statement={statement} />
      </section>
      <Passage view={view} situation={situation} statement={statement} />
      {situation.kind === 'collecting' ? (
        <Collecting view={view} />
      ) : statement.steps.length > 0 ? (
        <Steps statement={statement} view={view} />
      ) : (
        <Readings view={view} />
      )}
      <Choices view={view} kind={situation.kind} main={statement.main.act} />
    </div>
  );
}

function TierZero({ view, statement }: { readonly view: View; readonly statement: Statement }): JSX.Element {
  const { say, bytes } = view.texts;
  const { status } = view.state;
  const waitingCount = status?.queue.pending_count ?? 0;
  return (
    <div class="place__body tier0">
      <section class="none-here" data-tone={statement.tone}>
        <span class="mark">
          <Icon name={statement.mark} />
        </span>
        <div>
          <h2>{statement.title}</h2>
          <p>{statement.says}</p>
          <p>{say('tier0.more')}</p>
          {view.backUrl !== undefined && (
            <a class="act act--main" href={view.backUrl}>
              <Icon name="back" />
              <span>{say('page.back')}</span>
            </a>
          )}
        </div>
      </section>
      {waitingCount > 0 && (
        <p class="note">
          {say('tier0.waiting', { n: waitingCount, size: bytes(status?.queue.waiting_bytes ?? 0) })}
        </p>
      )}
    </div>
  );
}

function MainControl({
  view,
  statement,
}: {
  readonly view: View;
  readonly statement: Statement;
}): JSX.Element {
  const { state, texts, acts } = view;
  const { act, label, doneShare } = statement.main;
  const press: Readonly<Record<MainAct, () => void>> = {
    export: acts.exportNew,
    check: acts.sendNow,
    send: acts.sendNow,
    retry_failed: () => acts.retry(listFailed(view)),
    clear: () => acts.ask({ kind: 'clear' }),
    enrol: () => acts.ask({ kind: 'enrol' }),
    none: () => undefined,
  };
  const busy =
    state.act === 'export' || state.act === 'again'
      ? texts.say('act.making')
      : state.act === 'process'
        ? texts.say('act.checking')
        : undefined;
  const icons: Readonly<Record<MainAct, ActProps['icon']>> = {
    export: 'send',
    check: 'retry',
    send: 'send',
    retry_failed: 'retry',
    clear: 'clear',
    enrol: 'login',
    none: statement.mark,
  };
  return (
    <Act
      look={act === 'none' && doneShare === undefined ? 'waits' : 'main'}
      icon={icons[act] ?? 'send'}
      doneShare={doneShare}
      isWaiting={act === 'none' || state.act !== undefined}
      onPress={press[act]}
    >
      {act === 'none' ? label : (busy ?? label)}
    </Act>
  );
}

function listFailed({ state }: View): readonly string[] {
  return state.queue?.failed.map(({ queue_id }) => queue_id) ?? [];
}

function Passage({
  view,
  situation,
  statement,
}: {
  readonly view: View;
  readonly situation: Situation;
  readonly statement: Statement;
}): JSX.Element {
  const { say, number } = view.texts;
  const { status, sending } = view.state;
  const way = toWay(situation, view.state, view.texts);
  const { size, waiting, failedCount } = toOnBoard(view.state, view.texts);
  const records = status?.delivered.record_count;
  const central = records === undefined ? say('page.missing') : number(records);
  const delivered = say('passage.records', { n: records ?? 0 });
  return (
    <section
      class="passage"
      aria-label={say('passage.label', {
        onBoard: [size, waiting, failedCount > 0 ? say('failed.title', { n: failedCount }) : '']
          .filter((text) => text !== '')
          .join(', '),
        central: `${central} ${delivered}`,
      })}
    >
      <div class="passage__boat">
        <h3 class="label">{say('passage.onBoard')}</h3>
        <p class="figure">{size}</p>
        {waiting !== '' && <p class="note">{waiting}</p>}
        {failedCount > 0 && (
          <p class="has" data-tone="bad">
            <Icon name="failed" />
            {say('failed.title', { n: failedCount })}
          </p>
        )}
      </div>
      <div class="way" data-line={way.line} data-tone={statement.tone}>
        <Fix />
        {way.line === 'parts' && sending !== undefined ? (
          <Parts doneCount={sending.partIndex - 1} partCount={sending.partCount} label={way.says} />
        ) : (
          <span class="way__line" />
        )}
        {way.bar && (
          <span class="way__bar">
            <Icon name={statement.mark} />
          </span>
        )}
        <Port isTicked={statement.tone === 'ok'} />
      </div>
      {way.says !== '' && <p class="way__says note">{way.says}</p>}
      <div class="passage__central">
        <Shore />
        <h3 class="label">{say('passage.central')}</h3>
        <p class="figure">{central}</p>
        <p class="note">{delivered}</p>
      </div>
    </section>
  );
}

function Steps({ statement, view }: { readonly statement: Statement; readonly view: View }): JSX.Element {
  const { say, number } = view.texts;
  return (
    <div class="task">
      <ol class="steps">
        {statement.steps.map((step, index) => (
          <li key={step}>
            <b aria-hidden="true">{number(index + 1)}</b>
            <span>
              <Controls text={step} texts={view.texts} />
            </span>
          </li>
        ))}
      </ol>
      {statement.seen !== undefined && statement.seen !== '' && (
        <p class="note">{say('seen', { detail: statement.seen })}</p>
      )}
    </div>
  );
}

/** The control labels that appear in sentences and steps. */
const NAMED_CONTROLS = ['act.check', 'act.enrol', 'act.sendNow', 'act.export'] as const;

/** A sentence with a control's name in bold, so that the owner can find the control. */
function Controls({ text, texts }: { readonly text: string; readonly texts: Texts }): JSX.Element {
  // Within a sentence, a label has no ellipsis.
  const names = NAMED_CONTROLS.map((key) => texts.say(key).replace(/\s*…$/, ''));
  const name = names.find((one) => text.includes(one));
  if (name === undefined) return <>{text}</>;
  const [before = '', ...after] = text.split(name);
  return (
    <>
      {before}
      <b>{name}</b>
      {after.join(name)}
    </>
  );
}

/** The other controls. They depend on the main control, so that no control is shown twice. */
function Choices(props: {
  readonly view: View;
  readonly kind: Situation['kind'];
  readonly main: MainAct;
}): JSX.Element {
  const { view, kind, main } = props;
  const { state, texts, acts } = view;
  const { say } = texts;
  const isWaiting = state.link !== 'live' || state.act !== undefined;
  const canExport = state.status?.can_export ?? false;
  // While the card is nearly full, the export manager creates no export.
  const canMake = kind !== 'card';
  const { queue } = state.status ?? {};
  const waitingCount = (queue?.pending_count ?? 0) + (queue?.uploading_count ?? 0);
  if (!canExport || state.link === 'lost') return <div class="choices" />;
  return (
    <div class="choices">
      {main === 'enrol' && (
        <Act icon="retry" isWaiting={isWaiting} onPress={acts.sendNow}>
          {say('act.check')}
        </Act>
      )}
      {canMake && main !== 'export' && state.collecting.length === 0 && (
        <Act icon="send" isWaiting={isWaiting} onPress={acts.exportNew}>
          {say('act.export')}
        </Act>
      )}
      {(main === 'export' || main === 'clear') && waitingCount > 0 && (
        <Act icon="send" isWaiting={isWaiting} onPress={acts.sendNow}>
          {say('act.sendNow')}
        </Act>
      )}
      {main === 'export' && waitingCount === 0 && listFailedOnBoard(state).length > 0 && (
        <Act icon="retry" isWaiting={isWaiting} onPress={() => acts.retry(listFailed(view))}>
          {say('act.retryFailed', { n: listFailedOnBoard(state).length })}
        </Act>
      )}
      <Act icon="look" onPress={() => acts.ask({ kind: 'preview' })}>
        {say('act.preview')}
      </Act>
      {canMake && main !== 'enrol' && (
        <Act look="quiet" icon="retry" isWaiting={isWaiting} onPress={() => acts.ask({ kind: 'again' })}>
          {say('act.again')}
        </Act>
      )}
    </div>
  );
}
