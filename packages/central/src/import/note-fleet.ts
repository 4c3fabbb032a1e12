import type { Queryable, Row } from '../platform/ports.ts';
import { toNameGrams } from '../store/name-grams.ts';
import { numberOrNullOf, textOf, textOrNullOf } from '../store/row.ts';
import { type PartToStore, toIso } from './part-to-store.ts';
import { addArrival, type Rhythm, toDueMs, toUsualSilence } from './rhythm.ts';

/** Columns of `installations` that `toFleetChange` needs. They are read under the lock on the installation. */
export const FLEET_COLUMNS = `last_export_id, tier::int as tier, claimed_tier::int as claimed_tier,
  array_to_json(arrival_intervals)::text as arrival_intervals,
  (extract(epoch from arrived_at) * 1000)::float8 as arrived_ms`;

/** New values for the operator's list of boats. */
export interface FleetChange {
  /** An array literal, because the drivers convert arrays in different ways. */
  readonly arrivalIntervals: string;
  readonly arrivedAt: string | null;
  readonly usualSilenceS: number | null;
  readonly dueAt: string | null;
}

/**
 * Returns the rhythm of a boat after a part, and when the boat is late. Another part of the newest export is
 * not a new arrival.
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

/** Indexes the name of a boat for the search, if this import set the name of the installation. Call it after `countImport`. */
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

/** Number of rows that count one hour. If more imports than this run at the same time, some wait for each other. */
const HOUR_SHARDS = 64;

/**
 * How long hours are kept, in days. The operator's page shows 24 hours, and a month is enough to investigate last week.
 */
const HOURS_KEPT_DAYS = 35;

/**
 * Counts an import in its hour. The caller holds the lock on the installation, and no import locks the rows of two hours, so
 * imports cannot deadlock. The first import of a shard in an hour removes the hours that are too old.
 */
export async function countHour(tx: Queryable, part: PartToStore): Promise<void> {
  const shard = Number.parseInt(part.document.installation_id.slice(0, 4), 16) % HOUR_SHARDS;
  const recordCount = [...part.sorted.counts.values()].reduce((sum, count) => sum + count, 0);
  const [row] = await tx.query(
    `insert into fleet_hours as held (shard, hour, imports, records, wire_bytes)
     values ($1::smallint, date_trunc('hour', $2::timestamptz, 'UTC'), 1, $3::bigint, $4::bigint)
     on conflict (shard, hour) do update set imports = held.imports + 1, records = held.records + excluded.records,
       wire_bytes = held.wire_bytes + excluded.wire_bytes
     returning imports::float8 as imports`,
    [shard, toIso(part.receivedMs), recordCount, part.wireSizeBytes],
  );
  if (row?.['imports'] !== 1) return;
  await tx.query(
    `delete from fleet_hours where shard = $1::smallint and hour < $2::timestamptz - interval '${HOURS_KEPT_DAYS} days'`,
    [shard, toIso(part.receivedMs)],
  );
}
