import type { FleetOverview } from '../api/fleet-schemas.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { numberOf, textOf, utcText } from '../store/row.ts';
import { FILTER_SQL, IS_LATE, NEEDS_ATTENTION } from './boat-state.ts';
import { isLargeFleet, loadSnapshot, type SnapshotRules } from './snapshots.ts';

/**
 * Maximum number of versions in the overview: as many as a menu can show. Boats send their own version, so there may be any
 * number of them.
 */
const VERSIONS_LISTED_MAX = 20;

/** Number of hours in the overview. */
const HOURS_SHOWN = 24;

/**
 * Returns figures about the fleet. For a large fleet they are at most 5 minutes old, and `as_of` is the time at which they were
 * computed.
 */
export async function loadOverview(
  store: Store,
  nowIso: string,
  rules: SnapshotRules = {},
): Promise<FleetOverview> {
  if (!(await isLargeFleet(store, rules))) return computeOverview(store, nowIso);
  const compute = (tx: Queryable) => computeOverview(tx, nowIso);
  return loadSnapshot(store, { name: 'overview-2', compute }, rules);
}

/** Reads each boat's row twice, but no import history. */
async function computeOverview(store: Queryable, nowIso: string): Promise<FleetOverview> {
  const [row = {}] = await store.query(
    `select count(*)::float8 as boats, coalesce(sum(held_records), 0)::float8 as records,
       coalesce(sum(held_bytes), 0)::float8 as held_bytes, coalesce(sum(wire_bytes), 0)::float8 as wire_bytes,
       ${COUNTED.map(([name, condition]) => `count(*) filter (where ${condition})::float8 as ${name}`).join(', ')}
     from installations i`,
    [nowIso],
  );
  const count = (name: keyof FleetOverview['counts']) => numberOf(row, name);
  return {
    status: 'success',
    as_of: nowIso,
    totals: {
      boats: numberOf(row, 'boats'),
      records: numberOf(row, 'records'),
      held_bytes: numberOf(row, 'held_bytes'),
      wire_bytes: numberOf(row, 'wire_bytes'),
    },
    counts: {
      late: count('late'),
      refused: count('refused'),
      shared_id: count('shared_id'),
      gaps: count('gaps'),
      rejecting: count('rejecting'),
      never_heard: count('never_heard'),
      laid_up: count('laid_up'),
      disabled: count('disabled'),
      fine: count('fine'),
    },
    hours: await loadHours(store, nowIso),
    versions: await loadVersions(store),
  };
}

const COUNTED: readonly (readonly [keyof FleetOverview['counts'], string])[] = [
  ['late', FILTER_SQL.late],
  ['refused', FILTER_SQL.refused],
  ['shared_id', FILTER_SQL.shared_id],
  ['gaps', FILTER_SQL.gaps],
  ['rejecting', FILTER_SQL.rejecting],
  ['never_heard', FILTER_SQL.never_heard],
  ['laid_up', FILTER_SQL.laid_up],
  ['disabled', FILTER_SQL.disabled],
  ['fine', `${IS_LATE} is not true and ${NEEDS_ATTENTION} is not true`],
];

async function loadHours(store: Queryable, nowIso: string): Promise<FleetOverview['hours']> {
  const rows = await store.query(
    `select ${utcText('h.hour')} as hour_text, coalesce(sum(f.imports), 0)::float8 as imports,
       coalesce(sum(f.records), 0)::float8 as records, coalesce(sum(f.wire_bytes), 0)::float8 as wire_bytes
     from generate_series(date_trunc('hour', $1::timestamptz, 'UTC') - interval '${HOURS_SHOWN - 1} hours',
            date_trunc('hour', $1::timestamptz, 'UTC'), interval '1 hour') as h(hour)
       left join fleet_hours f on f.hour = h.hour
     group by h.hour order by h.hour`,
    [nowIso],
  );
  return rows.map((row) => ({
    hour: textOf(row, 'hour_text'),
    imports: numberOf(row, 'imports'),
    records: numberOf(row, 'records'),
    wire_bytes: numberOf(row, 'wire_bytes'),
  }));
}

async function loadVersions(store: Queryable): Promise<FleetOverview['versions']> {
  const rows = await store.query(
    `select software_version, count(*)::float8 as boats from installations where software_version is not null
     group by software_version order by boats desc, software_version limit $1::int`,
    [VERSIONS_LISTED_MAX],
  );
  return rows.map((row) => ({ version: textOf(row, 'software_version'), boats: numberOf(row, 'boats') }));
}
