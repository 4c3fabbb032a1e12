import type { NaiveZone } from './timestamps.ts';

/**
 * The zone assumed for a column's timestamps that specify none. `by_entry_type`: local for `LOCAL_ENTRY_TYPES`, and UTC for other
 * types.
 */
export type ColumnZone = NaiveZone | 'by_entry_type';

/**
 * The zone of the column `timestamp` for each source whose program writes local time to it. docs/spec/sources.md, "Time zones",
 * has the same table. Times of a source that is not listed are UTC, and `YYYYMMDD_HHMMSS` is local time everywhere
 * (`createTimestampReader`).
 */
const TIMESTAMP_ZONES = {
  captures: 'local',
  issues: 'local',
  boatlog_entries: 'by_entry_type',
  browser_entries: 'by_entry_type',
} as const satisfies Readonly<Record<string, ColumnZone>>;

/** A table or list that contains timestamps in local time. */
export type ZonedSource = keyof typeof TIMESTAMP_ZONES;

/** Types of boatlog entries that a person dictated or typed. The programs that record them write local time. */
export const LOCAL_ENTRY_TYPES: ReadonlySet<unknown> = new Set(['voice', 'text']);

/**
 * Returns the zone of column `column` of `source`. SQLite's CURRENT_TIMESTAMP fills `created_at` in UTC. Every other column has
 * the same zone as `timestamp`.
 */
export function toColumnZone<Source extends ZonedSource>(
  source: Source,
  column: string | undefined,
): (typeof TIMESTAMP_ZONES)[Source] | 'utc' {
  return column === 'created_at' ? 'utc' : TIMESTAMP_ZONES[source];
}

/** Returns the zone of a timestamp in a column of zone `zone`, for an entry of type `type`. */
export function toEntryZone(zone: ColumnZone, type: unknown): NaiveZone {
  if (zone !== 'by_entry_type') return zone;
  return LOCAL_ENTRY_TYPES.has(type) ? 'local' : 'utc';
}
