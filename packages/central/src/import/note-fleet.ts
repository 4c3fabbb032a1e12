import type { Queryable, Row } from '../platform/ports.ts';
import type { NamedValues, SqlFragment } from '../store/database.ts';
import { toNameGrams } from '../store/name-grams.ts';
import { numberOrNullOf, textOf, textOrNullOf } from '../store/row.ts';
import type { BoatPosition } from './boat-facts.ts';
import { type PartToStore, toIso } from './part-to-store.ts';
import { addArrival, type Rhythm, toDueMs, toUsualSilence } from './lateness-policy.ts';

/** Columns of `installations` that `toFleetChange` needs, read under the lock on the installation. */
export const FLEET_COLUMNS = `last_export_id, tier::int as tier, claimed_tier::int as claimed_tier,
  array_to_json(arrival_intervals)::text as arrival_intervals,
  (extract(epoch from arrived_at) * 1000)::float8 as arrived_ms`;

/** New values for the operator's list of boats. */
export interface FleetChange {
  /** An SQL array literal, because the drivers convert JavaScript arrays differently. */
  readonly arrivalIntervals: string;
  readonly arrivedAt: string | null;
  readonly usualSilenceS: number | null;
  readonly dueAt: string | null;
}

/**
 * Returns a boat's rhythm after a part arrives, and when the boat will be late. Another part of the latest export is not a new
 * arrival.
 */
export function toFleetChange(
  installation: Row,
  { document, identity, receivedMs }: PartToStore,
): FleetChange {
  const before: Rhythm = {
    // The column is an array of integers.
    intervals: JSON.parse(textOf(installation, 'arrival_intervals')) as readonly number[],
    arrivedMs: numberOrNullOf(installation, 'arrived_ms') ?? undefined,
  };
  const isFurtherPart = textOrNullOf(installation, 'last_export_id') === identity.exportId;
  const rhythm = isFurtherPart ? before : addArrival(before, receivedMs);
  const tier =
    numberOrNullOf(installation, 'tier') ??
    document.tier ??
    numberOrNullOf(installation, 'claimed_tier') ??
    undefined;
  const usualSilenceS = toUsualSilence(rhythm.intervals, tier);
  const dueMs = usualSilenceS === undefined ? undefined : toDueMs(receivedMs, usualSilenceS);
  return {
    arrivalIntervals: `{${rhythm.intervals.join(',')}}`,
    arrivedAt: rhythm.arrivedMs === undefined ? null : toIso(rhythm.arrivedMs),
    usualSilenceS: usualSilenceS ?? null,
    dueAt: dueMs === undefined ? null : toIso(dueMs),
  };
}

/**
 * A part that arrives late does not move the boat back to an old position. A stored time in the future comes from a wrong clock,
 * so it must not block later positions.
 */
const IS_NEW_POSITION: SqlFragment = `:is_latest::boolean and :latitude::double precision is not null
      and (position_at is null or :position_at::timestamptz >= position_at or position_at > :received_at::timestamptz)`;

/**
 * SQL that sets a boat's position in `update installations`. A document without a position leaves the recorded one unchanged.
 */
export const NEW_POSITION: SqlFragment = (
  [
    ['position_latitude', ':latitude::double precision'],
    ['position_longitude', ':longitude::double precision'],
    ['position_at', ':position_at::timestamptz'],
  ] as const
)
  .map(([column, value]) => `${column} = case when ${IS_NEW_POSITION} then ${value} else ${column} end`)
  .join(',\n    ');

/** The parameters of NEW_POSITION. */
export function toPositionValues(position: BoatPosition | undefined): NamedValues {
  return {
    latitude: position?.latitude ?? null,
    longitude: position?.longitude ?? null,
    position_at: position?.recordedAt ?? null,
  };
}

/** Indexes a boat's name for the search, if this import set the installation's name. Call it after COUNT_IMPORT. */
export async function indexName(tx: Queryable, { document, facts }: PartToStore): Promise<void> {
  if (facts.name === undefined) return;
  const key = facts.name.toLowerCase();
  await tx.query(
    `insert into boat_names as held (installation_id, name_key, grams)
     select i.installation_id, i.boat_name_key, $3::text[] from installations i
     where i.installation_id = $1::text and i.boat_name_key = $2::text
     on conflict (installation_id) do update set name_key = excluded.name_key, grams = excluded.grams
     where held.name_key <> excluded.name_key`,
    [document.installation_id, key, toNameGrams(key)],
  );
}

/**
 * Number of rows that share the count of one hour's imports. If more imports than this run at the same time, some wait for each
 * other.
 */
const HOUR_SHARDS = 64;

/**
 * Number of days for which hourly counts are kept. The operator's page shows 24 hours; a month is enough to investigate the
 * previous weeks.
 */
const HOURS_KEPT_DAYS = 35;

/**
 * Counts an import in its hour. The caller holds the lock on the installation, and no import locks rows of two hours, so imports
 * cannot deadlock. Returns the shard's number of imports in this hour.
 */
export const COUNT_HOUR: SqlFragment = `
  insert into fleet_hours as held (shard, hour, imports, records, wire_bytes)
  values (:shard::smallint, date_trunc('hour', :received_at::timestamptz, 'UTC'), 1, :record_count::bigint, :wire_bytes::bigint)
  on conflict (shard, hour) do update set imports = held.imports + 1, records = held.records + excluded.records,
    wire_bytes = held.wire_bytes + excluded.wire_bytes
  returning imports`;

/** The row of `fleet_hours` that counts the imports of an installation. */
export function toHourShard(installationId: string): number {
  return Number.parseInt(installationId.slice(0, 4), 16) % HOUR_SHARDS;
}

/** Removes a shard's expired hours. Called after the first import of the shard in an hour. */
export async function removeOldHours(tx: Queryable, part: PartToStore): Promise<void> {
  await tx.query(
    `delete from fleet_hours where shard = $1::smallint and hour < $2::timestamptz - interval '${HOURS_KEPT_DAYS} days'`,
    [toHourShard(part.document.installation_id), toIso(part.receivedMs)],
  );
}
