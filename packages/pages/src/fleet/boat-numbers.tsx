import type { JSX } from 'preact';
import { Act } from '../ui/controls.tsx';
import type { Tone } from '../ui/icons.tsx';
import type { Export, Exports } from './api.ts';
import { EXPORTS_SHOWN, type OpenBoat } from './state.ts';
import type { View } from './view.ts';

/** Minimum distance between two labels, in exports, because a label is wider than one export's cell. */
const LABEL_DISTANCE = 3;

/** Exports by number (complete, partial, missing or withdrawn), with details of those that central does not hold completely. */
export function ExportNumbers({ boat, view }: { readonly boat: OpenBoat; readonly view: View }): JSX.Element {
  const { texts, acts } = view;
  const { say } = texts;
  const page = boat.exports;
  const newest = page?.exports[0];
  const oldest = page?.exports.at(-1);
  if (page === undefined || newest === undefined || oldest === undefined)
    return (
      <section class="panel">
        <h2>{say('numbers.title')}</h2>
        <p class="note">{say(page === undefined ? 'page.loading' : 'numbers.none')}</p>
      </section>
    );
  const isNewest = boat.exportsBefore === undefined;
  return (
    <section class="panel">
      <h2>
        {say('numbers.title')}
        <span class="note">
          {say('numbers.note', { first: texts.number(oldest.sequence), last: texts.number(newest.sequence) })}
        </span>
      </h2>
      <Numbers page={page} view={view} />
      <p class="key note">
        <span>
          <i class="is-whole" />
          {say('numbers.held')}
        </span>
        <span>
          <i class="is-part" />
          {say('numbers.incomplete')}
        </span>
        <span>
          <i class="is-missing" />
          {say('numbers.missing')}
        </span>
        <span>
          <i class="is-withdrawn" />
          {say('numbers.withdrawn')}
        </span>
      </p>
      <Gaps page={page} view={view} />
      {(page.next !== null || !isNewest) && (
        <div class="pages">
          <Act isWaiting={page.next === null} onPress={() => acts.showExports(page.next ?? undefined)}>
            {say('act.more')}
          </Act>
          <Act isWaiting={isNewest} onPress={() => acts.showExports(newest.sequence + EXPORTS_SHOWN + 1)}>
            {say('numbers.newer')}
          </Act>
        </div>
      )}
    </section>
  );
}

const LOOKS = { held: '', incomplete: 'is-part', missing: 'is-missing', withdrawn: 'is-withdrawn' } as const;

function Numbers({ page, view }: { readonly page: Exports; readonly view: View }): JSX.Element {
  const { say, number, locale } = view.texts;
  const ascending = page.exports.toReversed();
  const [first, last] = [ascending[0]?.sequence ?? 0, ascending.at(-1)?.sequence ?? 0];
  const others = ascending.filter(({ state }) => state !== 'held');
  const list =
    others.length === 0
      ? say('numbers.allHeld')
      : new Intl.ListFormat(locale, { type: 'unit' }).format(
          others.map(({ sequence, state }) => `${number(sequence)} ${say(`numbers.${state}`)}`),
        );
  const labelled = new Set<number>();
  for (const { sequence } of [...others, ...ascending.slice(0, 1), ...ascending.slice(-1)])
    if ([...labelled].every((other) => Math.abs(other - sequence) >= LABEL_DISTANCE)) labelled.add(sequence);
  return (
    <div
      class="numbers"
      role="img"
      aria-label={say('numbers.label', { first: number(first), last: number(last), list })}
    >
      {ascending.map(({ sequence, state, parts_held: held, parts }) => (
        <div
          key={sequence}
          class={LOOKS[state]}
          style={state === 'incomplete' ? { '--held': held / Math.max(1, parts ?? 1) } : {}}
        >
          {labelled.has(sequence) && <span>{number(sequence)}</span>}
        </div>
      ))}
    </div>
  );
}

const TONES = { incomplete: 'warn', missing: 'bad', withdrawn: 'calm' } as const satisfies Readonly<
  Record<Exclude<Export['state'], 'held'>, Tone>
>;

function Gaps({ page, view }: { readonly page: Exports; readonly view: View }): JSX.Element | null {
  const { texts } = view;
  const others = page.exports.filter(({ state }) => state !== 'held');
  if (others.length === 0) return null;
  return (
    <ul class="gaps">
      {others.map((one) => (
        <li key={one.sequence} data-tone={one.state === 'held' ? 'ok' : TONES[one.state]}>
          <b>{texts.number(one.sequence)}</b>
          <p>{toSays(one, page.as_of, texts)}</p>
        </li>
      ))}
    </ul>
  );
}

function toSays(
  { state, parts_held: held, parts, received_at: at }: Export,
  now: string,
  { say, moment }: View['texts'],
): string {
  switch (state) {
    case 'held':
      return '';
    case 'incomplete':
      return say('numbers.incomplete.says', {
        held,
        parts: parts ?? say('page.missing'),
        moment: at === null ? say('page.missing') : moment(at, now),
      });
    case 'missing':
      return say('numbers.missing.says');
    case 'withdrawn':
      return say('numbers.withdrawn.says');
    default:
      return state satisfies never;
  }
}
