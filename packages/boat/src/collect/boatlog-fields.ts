export type BoatlogField =
  'entry_id' | 'timestamp' | 'entry_type' | 'content' | 'latitude' | 'longitude' | 'weather_conditions';

/** The fields in the order in which they are read. */
export const BOATLOG_FIELDS = [
  'entry_id',
  'timestamp',
  'entry_type',
  'content',
  'latitude',
  'longitude',
  'weather_conditions',
] as const satisfies readonly BoatlogField[];

/**
 * Types of entries whose naive timestamps are local (docs/spec/sources.md, "Time zones"). A person spoke or wrote these entries.
 */
export const LOCAL_TYPES: ReadonlySet<unknown> = new Set(['voice', 'text']);
