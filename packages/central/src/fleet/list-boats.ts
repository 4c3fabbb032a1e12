import type { BoatFilter, BoatSort, FleetBoat, FleetBoats } from '../api/fleet-schemas.ts';
import type { Queryable, Row, Store } from '../platform/ports.ts';
import { isUtcText, numberOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';
import { FILTER_SQL, IS_LATE, NEEDS_ATTENTION, RECEIVING_SQL, STATE_SQL } from './boat-state.ts';
import { findMatches } from './find-boats.ts';
import { type PageCursor, parseCursor, toCursorText } from './page-cursor.ts';

/** Selects a page of the list: its filter, search, order and position. */
export interface BoatQuery {
  readonly sort: BoatSort;
  readonly filter: BoatFilter;
  readonly tier: number | undefined;
  readonly version: string | undefined;
  /** Part of a name, or the beginning of an installation ID. */
  readonly search: string | undefined;
  readonly after: string | undefined;
  readonly limit: number;
}

/**
 * A section of the list with one sort order. The list consists of consecutive segments, each of which can be read from an index
 * although a boat's rank depends on the time.
 */
interface Segment {
  readonly where: string;
  /** The segment's sort value, and its type in a cursor. Null if the segment is sorted only by installation ID. */
  readonly key: { readonly sql: string; readonly type: string; readonly cursor: string } | null;
  readonly direction: 'asc' | 'desc';
}

const HEARD_KEY = { sql: 'i.last_heard_at', type: 'timestamptz', cursor: utcText('i.last_heard_at') };
const NEVER_HEARD: Segment = { where: 'i.last_heard_at is null', key: null, direction: 'asc' };
const NAME_SQL = 'i.boat_name_key';
const SIZE_SQL = 'i.held_bytes';

const SEGMENTS: Readonly<Record<BoatSort, readonly Segment[]>> = {
  attention: [
    {
      where: IS_LATE,
      key: { sql: 'i.due_at', type: 'timestamptz', cursor: utcText('i.due_at') },
      direction: 'asc',
    },
    {
      where: `${IS_LATE} is not true and ${NEEDS_ATTENTION} and i.last_heard_at is not null`,
      key: HEARD_KEY,
      direction: 'desc',
    },
    {
      where: `${IS_LATE} is not true and ${NEEDS_ATTENTION} is not true and i.last_heard_at is not null`,
      key: HEARD_KEY,
      direction: 'desc',
    },
    NEVER_HEARD,
  ],
  heard: [{ where: 'i.last_heard_at is not null', key: HEARD_KEY, direction: 'desc' }, NEVER_HEARD],
  name: [
    {
      where: 'i.boat_name_key is not null',
      key: { sql: NAME_SQL, type: 'text', cursor: NAME_SQL },
      direction: 'asc',
    },
    { where: 'i.boat_name_key is null', key: null, direction: 'asc' },
  ],
  size: [
    {
      where: 'true',
      key: { sql: SIZE_SQL, type: 'bigint', cursor: `${SIZE_SQL}::text` },
      direction: 'desc',
    },
  ],
};

/** A boat's columns in the list. `$1` is the current time. */
export const BOAT_COLUMNS = `i.installation_id, i.boat_name, ${STATE_SQL} as state, i.tier::int as tier,
  i.claimed_tier::int as claimed_tier, ${utcText('i.enrolled_at')} as enrolled_at, ${utcText('i.last_heard_at')} as heard_at,
  i.last_export_timestamp, i.last_sequence::float8 as last_sequence, ${utcText('i.due_at')} as due_at,
  i.usual_silence_s, i.held_records::float8 as records,
  i.held_bytes::float8 as held_bytes, i.missing_sequences::float8 as missing_sequences, i.concurrent_ledgers,
  ${utcText('i.gap_since')} as gap_since, ${utcText('i.last_rejected_at')} as last_rejected_at,
  ${utcText('i.refused_at')} as refused_at, i.refusal,
  case when ${RECEIVING_SQL} then i.last_part_index end as receiving_part, i.last_part_count as receiving_parts,
  i.software_version, i.position_latitude, i.position_longitude, ${utcText('i.position_at')} as position_at`;

/**
 * Returns one page of the list, or undefined if `after` is not the `next` of a page. Its cost does not depend on the page's
 * position. All statements run in one transaction, because most of the time of such short statements is the round trip to the
 * database.
 */
export async function listBoats(
  store: Store,
  query: BoatQuery,
  nowIso: string,
): Promise<FleetBoats | undefined> {
  return store.transaction((tx) => readPage(tx, query, nowIso));
}

async function readPage(store: Queryable, query: BoatQuery, nowIso: string): Promise<FleetBoats | undefined> {
  const cursor = query.after === undefined ? [0, null, null] : parseCursor(query.after, 3);
  const first = cursor?.[0];
  const segments = SEGMENTS[query.sort];
  if (cursor === undefined || typeof first !== 'number' || segments[first] === undefined) return undefined;
  const search = query.search?.toLowerCase();
  const matches = search === undefined ? undefined : await findMatches(store, search);
  const boats: FleetBoat[] = [];
  for (const [index, segment] of segments.entries()) {
    if (index < first) continue;
    const from = index === first && query.after !== undefined ? cursor : undefined;
    const left = query.limit - boats.length;
    const rows = await findSegment(
      store,
      { ...query, search, matches, limit: left + 1 },
      segment,
      from,
      nowIso,
    );
    if (rows === undefined) return undefined;
    boats.push(...rows.slice(0, left).map(toFleetBoat));
    if (rows.length <= left) continue;
    // If the page is already full when a segment begins, the page ends before that segment's first row.
    const last = rows[left - 1];
    const next =
      last === undefined
        ? [index, null, '']
        : [index, textOrNullOf(last, 'key'), textOf(last, 'installation_id')];
    return { status: 'success', as_of: nowIso, boats, next: toCursorText(next) };
  }
  return { status: 'success', as_of: nowIso, boats, next: null };
}

async function findSegment(
  store: Queryable,
  query: BoatQuery & { readonly matches: readonly string[] | undefined },
  { where, key, direction }: Segment,
  cursor: PageCursor | undefined,
  nowIso: string,
): Promise<readonly Row[] | undefined> {
  const params: unknown[] = [nowIso];
  const bind = (value: unknown): string => `$${params.push(value)}`;
  const conditions = [where, FILTER_SQL[query.filter]];
  if (query.tier !== undefined)
    conditions.push(`coalesce(i.tier, i.claimed_tier) = ${bind(query.tier)}::smallint`);
  if (query.version !== undefined) conditions.push(`i.software_version = ${bind(query.version)}::text`);
  if (query.matches !== undefined) conditions.push(`i.installation_id = any(${bind(query.matches)}::text[])`);
  else if (query.search !== undefined) {
    const text = bind(query.search);
    conditions.push(
      `(strpos(${NAME_SQL}, ${text}::text) > 0 or starts_with(i.installation_id, ${text}::text))`,
    );
  }
  if (cursor !== undefined && cursor[2] !== '') {
    if (typeof cursor[2] !== 'string' || (key !== null && !isKey(cursor[1], key.type))) return undefined;
    const compare = direction === 'asc' ? '>' : '<';
    conditions.push(
      key === null
        ? `i.installation_id ${compare} ${bind(cursor[2])}::text`
        : `(${key.sql}, i.installation_id) ${compare} (${bind(cursor[1])}::${key.type}, ${bind(cursor[2])}::text)`,
    );
  }
  const order = [...(key === null ? [] : [key.sql]), 'i.installation_id'].map(
    (column) => `${column} ${direction}`,
  );
  return store.query(
    `select ${BOAT_COLUMNS}, ${key === null ? 'null::text' : key.cursor} as key
     from installations i where ${conditions.join(' and ')}
     order by ${order.join(', ')} limit ${bind(query.limit)}::int`,
    params,
  );
}

/** True if the value can be cast to the key's type. Otherwise, someone altered the cursor. */
function isKey(value: string | number | null | undefined, type: string): boolean {
  if (typeof value !== 'string') return false;
  if (type === 'timestamptz') return isUtcText(value);
  return type === 'text' || /^\d{1,18}$/.test(value);
}

/** Reads a row with BOAT_COLUMNS. */
export function toFleetBoat(row: Row): FleetBoat {
  const [latitude, longitude] = [
    numberOrNullOf(row, 'position_latitude'),
    numberOrNullOf(row, 'position_longitude'),
  ];
  const part = numberOrNullOf(row, 'receiving_part');
  return {
    installation_id: textOf(row, 'installation_id'),
    name: textOrNullOf(row, 'boat_name'),
    // STATE_SQL returns only these values.
    state: textOf(row, 'state') as FleetBoat['state'],
    tier: numberOrNullOf(row, 'tier'),
    claimed_tier: numberOrNullOf(row, 'claimed_tier'),
    enrolled_at: textOf(row, 'enrolled_at'),
    last_heard_at: textOrNullOf(row, 'heard_at'),
    last_export_at: textOrNullOf(row, 'last_export_timestamp'),
    last_sequence: numberOrNullOf(row, 'last_sequence'),
    due_at: textOrNullOf(row, 'due_at'),
    usual_silence_s: numberOrNullOf(row, 'usual_silence_s'),
    records: numberOf(row, 'records'),
    held_bytes: numberOf(row, 'held_bytes'),
    missing_sequences: numberOf(row, 'missing_sequences'),
    concurrent_ledgers: numberOf(row, 'concurrent_ledgers'),
    gap_since: textOrNullOf(row, 'gap_since'),
    last_rejected_at: textOrNullOf(row, 'last_rejected_at'),
    refused_at: textOrNullOf(row, 'refused_at'),
    refusal: textOrNullOf(row, 'refusal'),
    receiving: part === null ? null : { part, parts: numberOf(row, 'receiving_parts') },
    software_version: textOrNullOf(row, 'software_version'),
    position:
      latitude === null || longitude === null
        ? null
        : { latitude, longitude, recorded_at: textOrNullOf(row, 'position_at') },
  };
}
