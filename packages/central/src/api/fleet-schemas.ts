import { CATEGORIES } from '@d3kos/protocol';
import { type TSchema, Type } from 'typebox';
import type { ReadonlyStatic } from './schemas.ts';

function nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()]);
}

function oneOf<const T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>(Type.Enum([...values]));
}

const count = Type.Integer({ minimum: 0 });
const time = Type.String({ description: "By central's clock, in UTC (ISO 8601)" });
const claimedTime = Type.String({ description: "By the boat's clock, as the boat sent it" });

/** A boat's state in the operator's list. If several states apply, the first one in this list is used. */
export const BOAT_STATES = [
  /** The operator disabled it. */
  'disabled',
  /** Its most recent request was refused. `refusal` gives the reason. */
  'refused',
  /** It has been silent for longer than usual. */
  'late',
  /** Two or more machines use its installation ID, for example because a card was copied. */
  'shared_id',
  /** Exports have been missing for more than a day. */
  'gap',
  /** Records were rejected within a week. */
  'rejecting',
  'never_heard',
  /** It is three months overdue, so it is probably not in use. */
  'laid_up',
  /** Parts of its latest export have arrived within the last ten minutes, and others have not arrived yet. */
  'receiving',
  /** Its owner exports by hand, so no export is due. */
  'by_hand',
  'in_order',
] as const;

/** Subsets of the fleet, used as filters of the list. */
export const BOAT_FILTERS = [
  'all',
  'late',
  'refused',
  'shared_id',
  'gaps',
  'rejecting',
  'never_heard',
  'laid_up',
  'disabled',
] as const;
export type BoatFilter = (typeof BOAT_FILTERS)[number];

/**
 * Orders of the list. `attention`: late boats first, the longest overdue at the top, then other boats that need
 * attention.
 */
export const BOAT_SORTS = ['attention', 'heard', 'name', 'size'] as const;
export type BoatSort = (typeof BOAT_SORTS)[number];

const PositionSchema = Type.Object({
  latitude: Type.Number(),
  longitude: Type.Number(),
  recorded_at: nullable(claimedTime),
});

/** One boat in the operator's list. */
export const FleetBoatSchema = Type.Object({
  installation_id: Type.String(),
  /** The name that the owner gave the boat, or null. */
  name: nullable(Type.String()),
  state: oneOf(BOAT_STATES),
  tier: nullable(Type.Integer()),
  claimed_tier: nullable(Type.Integer()),
  enrolled_at: time,
  last_heard_at: nullable(time),
  last_export_at: nullable(claimedTime),
  last_sequence: nullable(Type.Integer()),
  /** When it counts as late, and its usual silence in seconds. Null if no export is due. */
  due_at: nullable(time),
  usual_silence_s: nullable(Type.Number()),
  /** Records that central holds, and the bytes of their JSON text. */
  records: count,
  held_bytes: count,
  missing_sequences: count,
  /** Number of ledgers that send new exports concurrently, or 0. If it is above 0, two or more machines use this ID. */
  concurrent_ledgers: count,
  gap_since: nullable(time),
  last_rejected_at: nullable(time),
  refused_at: nullable(time),
  refusal: nullable(Type.String()),
  receiving: nullable(Type.Object({ part: Type.Integer(), parts: Type.Integer() })),
  software_version: nullable(Type.String()),
  position: nullable(PositionSchema),
});
export type FleetBoat = ReadonlyStatic<typeof FleetBoatSchema>;

export const FleetBoatsSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  boats: Type.Array(FleetBoatSchema),
  /** The value of `after` for the next page. Null at the end. */
  next: nullable(Type.String()),
});
export type FleetBoats = ReadonlyStatic<typeof FleetBoatsSchema>;

/** Figures about the whole fleet. */
export const FleetOverviewSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  totals: Type.Object({ boats: count, records: count, held_bytes: count, wire_bytes: count }),
  /** Number of boats in each subset. A boat may be in several. */
  counts: Type.Object({
    late: count,
    refused: count,
    shared_id: count,
    gaps: count,
    rejecting: count,
    never_heard: count,
    laid_up: count,
    disabled: count,
    /** Boats in none of the first five subsets. */
    fine: count,
  }),
  /** The last 24 hours, oldest first, ending with the current one. Hours without imports are included. */
  hours: Type.Array(Type.Object({ hour: time, imports: count, records: count, wire_bytes: count })),
  /** The most common software versions, most common first. */
  versions: Type.Array(Type.Object({ version: Type.String(), boats: count })),
});
export type FleetOverview = ReadonlyStatic<typeof FleetOverviewSchema>;

/** The boats' last positions, grouped on a grid. */
export const FleetPositionsSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  groups: Type.Array(
    Type.Object({
      latitude: Type.Number(),
      longitude: Type.Number(),
      boats: count,
      /** Number of these boats that are late or refused. */
      late: count,
      /** The boat, if the group has only one. */
      installation_id: nullable(Type.String()),
      name: nullable(Type.String()),
      state: nullable(oneOf(BOAT_STATES)),
    }),
  ),
  /** The bounding box of these boats. Null if there are no boats. */
  bounds: nullable(
    Type.Object({ west: Type.Number(), south: Type.Number(), east: Type.Number(), north: Type.Number() }),
  ),
  /** All boats with a position, anywhere on earth. */
  positioned: count,
});
export type FleetPositions = ReadonlyStatic<typeof FleetPositionsSchema>;

/** One boat. */
export const FleetBoatDetailsSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  boat: FleetBoatSchema,
  documents: count,
  rejected: count,
  wire_bytes: count,
  live_tokens: count,
  id_as_token: Type.Boolean(),
  holdings: Type.Array(
    Type.Object({
      category: oneOf(CATEGORIES),
      records: count,
      bytes: count,
      /** The latest time stated in a record. */
      newest_at: nullable(time),
    }),
  ),
  /** The last 30 days in UTC, oldest first, ending with today. Days without imports are included. */
  days: Type.Array(Type.Object({ day: Type.String(), records: count, stored_bytes: count })),
  ledgers: Type.Array(
    Type.Object({
      ledger_id: Type.String(),
      first_received_at: time,
      last_received_at: time,
      highest_sequence: nullable(Type.Integer()),
      diverged_at: nullable(time),
      concurrent_at: nullable(time),
    }),
  ),
});
export type FleetBoatDetails = ReadonlyStatic<typeof FleetBoatDetailsSchema>;

/** An export's state at central. */
export const EXPORT_STATES = [
  'held',
  /** Some of its parts have not arrived. */
  'incomplete',
  /** No part of it has arrived. */
  'missing',
  /** The boat withdrew it, and a later export contains its records. */
  'withdrawn',
] as const;

/** Exports of a boat's newest ledger by number, newest first. A missing number also has an entry. */
export const FleetExportsSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  ledger_id: nullable(Type.String()),
  exports: Type.Array(
    Type.Object({
      sequence: Type.Integer(),
      state: oneOf(EXPORT_STATES),
      export_id: nullable(Type.String()),
      parts_held: count,
      parts: nullable(count),
      received_at: nullable(time),
      made_at: nullable(claimedTime),
      export_type: nullable(Type.String()),
      wire_bytes: count,
    }),
  ),
  /** The value of `before` for the next page. Null at the end. */
  next: nullable(Type.Integer()),
});
export type FleetExports = ReadonlyStatic<typeof FleetExportsSchema>;

/** A boat's log lines, newest first. All strings are as the boat sent them. */
export const FleetLogSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  lines: Type.Array(
    Type.Object({
      record_id: Type.String(),
      recorded_at: time,
      entry_type: nullable(Type.String()),
      content: nullable(Type.String()),
      latitude: nullable(Type.Number()),
      longitude: nullable(Type.Number()),
    }),
  ),
  next: nullable(Type.String()),
});
export type FleetLog = ReadonlyStatic<typeof FleetLogSchema>;

/** A boat's open alerts, newest first. */
export const FleetAlertsSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  alerts: Type.Array(
    Type.Object({
      record_id: Type.String(),
      recorded_at: nullable(time),
      severity: nullable(Type.String()),
      alert_status: nullable(Type.String()),
      message: nullable(Type.String()),
    }),
  ),
});
export type FleetAlerts = ReadonlyStatic<typeof FleetAlertsSchema>;

/** A boat's rejected records, newest first. */
export const FleetRejectedSchema = Type.Object({
  status: Type.Literal('success'),
  as_of: time,
  rejected: Type.Array(
    Type.Object({
      received_at: time,
      import_id: Type.String(),
      category: Type.String(),
      record_id: Type.String(),
      reason: Type.String(),
      /** The beginning of the record as text. */
      record: nullable(Type.String()),
    }),
  ),
  next: nullable(Type.String()),
});
export type FleetRejected = ReadonlyStatic<typeof FleetRejectedSchema>;
