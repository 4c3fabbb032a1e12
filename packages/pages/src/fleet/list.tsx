import { Fragment, type JSX } from 'preact';
import { Act } from '../ui/controls.tsx';
import { Icon, type IconName, type Tone } from '../ui/icons.tsx';
import type { Boat, Overview } from './api.ts';
import { toClaimedMoment, toDuration, toSeconds } from './format.ts';
import { Filters } from './filters.tsx';
import { Hours } from './hours.tsx';
import { FleetMap } from './map.tsx';
import { isAdmin } from './state.ts';
import { type ListView, toBoatAddress, WHOLE_FLEET } from './place.ts';
import type { View } from './view.ts';
import { needsNothing, STATE_LOOKS, toName, toStateDetail } from './words.ts';

const COLUMN_COUNT = 9;

/** The fleet view: the summary, the list, the map and the last 24 hours. */
export function Fleet({ view, list }: { readonly view: View; readonly list: ListView }): JSX.Element {
  const { overview, boats } = view.state;
  // In a large fleet the overview may be a minute older than the list.
  const isEmpty = overview?.totals.boats === 0 && boats?.boats.length === 0;
  const enrolLook = isEmpty ? ({ look: 'main' } as const) : {};
  return (
    <main class="desk desk--list" id="main" tabIndex={-1}>
      <div class="wide">
        <FleetStatement view={view} overview={overview} />
      </div>
      <div>
        {!isEmpty && (
          <>
            <Filters view={view} list={list} overview={overview} />
            <BoatList view={view} list={list} />
          </>
        )}
        {isAdmin(view.state) && (
          <div class="pages">
            <Act {...enrolLook} onPress={() => view.acts.askChange({ kind: 'enrol' })}>
              {view.texts.say('change.enrol')}
            </Act>
          </div>
        )}
      </div>
      <aside class="side">
        <FleetMap view={view} />
        {overview !== undefined && (
          <div class="hours">
            <Hours view={view} overview={overview} />
          </div>
        )}
      </aside>
    </main>
  );
}

/** Central counts a large fleet once a minute. From this age on, the page shows when its numbers were counted. */
const COUNTED_AGO_TOLD_S = 45;

interface Statement {
  readonly mark: IconName;
  readonly tone: Tone;
  readonly title: string;
  readonly says: string;
}

function toStatement({ texts }: View, overview: Overview | undefined): Statement {
  const { say } = texts;
  if (overview === undefined)
    return { mark: 'unknown', tone: 'calm', title: say('statement.loading'), says: '' };
  const { totals, counts } = overview;
  if (totals.boats === 0)
    return {
      mark: 'unknown',
      tone: 'calm',
      title: say('statement.empty'),
      says: say('statement.empty.says'),
    };
  const others = [
    ...(counts.refused > 0 ? [say('statement.refused', { n: counts.refused })] : []),
    ...(counts.shared_id > 0 ? [say('statement.shared_id', { n: counts.shared_id })] : []),
    ...(counts.gaps > 0 ? [say('statement.gaps', { n: counts.gaps })] : []),
    ...(counts.rejecting > 0 ? [say('statement.rejecting', { n: counts.rejecting })] : []),
  ];
  const list = new Intl.ListFormat(texts.locale, { type: 'unit', style: 'long' }).format(others);
  const says = [
    ...(others.length > 0 ? [say('statement.sentence', { list })] : []),
    say('statement.fine', { n: counts.fine }),
  ].join(' ');
  if (counts.late > 0)
    return { mark: 'late', tone: 'warn', title: say('statement.late', { n: counts.late }), says };
  if (others.length > 0) return { mark: 'gap', tone: 'warn', title: say('statement.notLate'), says };
  return { mark: 'synced', tone: 'ok', title: say('statement.allFine'), says };
}

function FleetStatement(props: {
  readonly view: View;
  readonly overview: Overview | undefined;
}): JSX.Element {
  const { view, overview } = props;
  const { texts } = view;
  const { say, number, bytes } = texts;
  const { mark, tone, title, says } = toStatement(view, overview);
  const { boats } = view.state;
  const isOld =
    overview !== undefined &&
    boats !== undefined &&
    toSeconds(overview.as_of, boats.as_of) > COUNTED_AGO_TOLD_S;
  const totals = overview?.totals;
  const missing = say('page.missing');
  return (
    <section class="statement" data-tone={tone}>
      <span class="mark">
        <Icon name={mark} />
      </span>
      <div>
        <div aria-live="polite">
          <h2>{title}</h2>
          <p>{says}</p>
        </div>
        {isOld && <p class="note">{say('total.asOf', { time: texts.clock(overview.as_of) })}</p>}
      </div>
      <dl class="sum">
        <div>
          <dt class="label">{say('total.boats')}</dt>
          <dd class="figure">{totals === undefined ? missing : number(totals.boats)}</dd>
        </div>
        <div>
          <dt class="label">{say('total.records')}</dt>
          <dd class="figure">{totals === undefined ? missing : number(totals.records)}</dd>
        </div>
        <div>
          <dt class="label">{say('total.bytes')}</dt>
          <dd class="figure">{totals === undefined ? missing : bytes(totals.held_bytes)}</dd>
        </div>
      </dl>
    </section>
  );
}

const HEADINGS = [
  ['list.boat', '', 'name'],
  ['list.state', '', 'attention'],
  ['list.tier', 'n', undefined],
  ['list.heard', 'n', 'heard'],
  ['list.export', 'n', undefined],
  ['list.records', 'n', undefined],
  ['list.gaps', 'n', undefined],
  ['list.size', 'n', 'size'],
] as const;

const SORT_DIRECTIONS = {
  attention: 'descending',
  name: 'ascending',
  heard: 'descending',
  size: 'descending',
} as const;

/** A column heading. Some columns can be sorted, each only in its useful direction. */
function Heading(props: {
  readonly text: string;
  readonly look: string;
  readonly sort: ListView['sort'] | undefined;
  readonly list: ListView;
  readonly view: View;
}): JSX.Element {
  const { text, look, sort, list, view } = props;
  if (sort === undefined)
    return (
      <th scope="col" class={look}>
        {text}
      </th>
    );
  const isSorted = list.sort === sort;
  return (
    <th scope="col" class={look} aria-sort={isSorted ? SORT_DIRECTIONS[sort] : 'none'}>
      <button type="button" onClick={() => view.acts.showList({ ...list, sort })}>
        {text}
        {isSorted && <SortArrow isAscending={SORT_DIRECTIONS[sort] === 'ascending'} />}
      </button>
    </th>
  );
}

/** Drawn, because arrows differ in size between fonts. */
function SortArrow({ isAscending }: { readonly isAscending: boolean }): JSX.Element {
  return (
    <svg class="sort" viewBox="0 0 12 12" aria-hidden="true">
      <path d={isAscending ? 'M6 2l5 8H1z' : 'M6 10l5-8H1z'} />
    </svg>
  );
}

function BoatList({ view, list }: { readonly view: View; readonly list: ListView }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { boats: page, pages } = state;
  if (page === undefined) return <p class="note empty">{say('page.loading')}</p>;
  if (page.boats.length === 0)
    return (
      <div class="empty">
        <p>{list.search === undefined ? say('list.empty') : say('list.noMatch', { search: list.search })}</p>
        <Act look="quiet" onPress={() => acts.showList(WHOLE_FLEET)}>
          {say('act.clear')}
        </Act>
      </div>
    );
  const isFirst = pages.length === 1;
  return (
    <>
      <table class="boats">
        <thead>
          <tr>
            <th scope="col">
              <span class="hush">{say('list.mark')}</span>
            </th>
            {HEADINGS.map(([key, look, sort]) => (
              <Heading key={key} text={say(key)} look={look} sort={sort} list={list} view={view} />
            ))}
          </tr>
        </thead>
        <tbody>
          {page.boats.map((boat, index) => {
            const before = page.boats[index - 1];
            const beginsRest =
              list.sort === 'attention' &&
              list.filter === 'all' &&
              needsNothing(boat.state) &&
              (before === undefined ? isFirst : !needsNothing(before.state));
            return (
              <Fragment key={boat.installation_id}>
                {beginsRest && (
                  <tr class="rest">
                    <td colSpan={COLUMN_COUNT}>{say('list.nothingToDo')}</td>
                  </tr>
                )}
                <BoatRow boat={boat} now={page.as_of} view={view} />
              </Fragment>
            );
          })}
        </tbody>
      </table>
      <Pages view={view} />
    </>
  );
}

/** The links to the next and the previous page. */
function Pages({ view }: { readonly view: View }): JSX.Element | null {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { boats, pages } = state;
  const isFirst = pages.length === 1;
  const isLast = boats === undefined || boats.next === null;
  if (isFirst && isLast) return null;
  const page = say('list.page', { page: pages.length });
  return (
    <nav class="pages" aria-label={page}>
      <Act isWaiting={isFirst} onPress={acts.previousPage}>
        {say('act.previous')}
      </Act>
      <span class="note">{page}</span>
      <Act isWaiting={isLast} onPress={acts.nextPage}>
        {say('act.next')}
      </Act>
    </nav>
  );
}

function BoatRow(props: { readonly boat: Boat; readonly now: string; readonly view: View }): JSX.Element {
  const { boat, now } = props;
  const { texts } = props.view;
  const { say, number, bytes } = texts;
  const [mark, tone] = STATE_LOOKS[boat.state];
  const missing = (
    <span class="missing" aria-label={say('page.none')}>
      {say('page.missing')}
    </span>
  );
  const heard = boat.last_heard_at;
  return (
    <tr data-tone={tone}>
      <td>
        <span class="mark">
          <Icon name={mark} />
        </span>
      </td>
      <td>
        <a href={toBoatAddress(boat.installation_id)}>
          <b>
            <bdi>{toName(boat, texts)}</bdi>
          </b>
        </a>
        <bdi class="id" dir="ltr">
          {boat.installation_id}
        </bdi>
      </td>
      <td>
        <strong>{say(`state.${boat.state}`)}</strong>
        <small>{toStateDetail(boat, now, texts)}</small>
        {boat.concurrent_ledgers > 0 && boat.state !== 'shared_id' && (
          <small data-tone="warn">{say('boat.concurrent', { n: boat.concurrent_ledgers })}</small>
        )}
      </td>
      <td class="n">{boat.tier ?? boat.claimed_tier ?? missing}</td>
      <td class="n">
        {heard === null ? missing : toDuration(toSeconds(heard, now), texts.locale)}
        {heard !== null && <small>{texts.moment(heard, now)}</small>}
      </td>
      <td class="n">
        {boat.last_export_at === null ? (
          missing
        ) : (
          <bdi>{toClaimedMoment(boat.last_export_at, now, texts)}</bdi>
        )}
        {boat.last_sequence !== null && <small>{say('list.number', { n: boat.last_sequence })}</small>}
      </td>
      <td class="n">
        <span class="at-desk">{number(boat.records)}</span>
        <small class="in-hand">{say('list.records.unit', { n: boat.records })}</small>
      </td>
      <td class="n">
        {boat.missing_sequences === 0 ? (
          '0'
        ) : (
          <strong data-tone={boat.state === 'receiving' ? 'calm' : 'bad'}>
            <span class="at-desk">{number(boat.missing_sequences)}</span>
            <span class="in-hand">{say('list.missing', { n: boat.missing_sequences })}</span>
          </strong>
        )}
      </td>
      <td class="n">{bytes(boat.held_bytes)}</td>
    </tr>
  );
}
