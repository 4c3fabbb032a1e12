export type BoatlogField =
  'entry_id' | 'timestamp' | 'entry_type' | 'content' | 'latitude' | 'longitude' | 'weather_conditions';

/** The fields, in the order in which they are read. */
export const BOATLOG_FIELDS = [
  'entry_id',
  'timestamp',
  'entry_type',
  'content',
  'latitude',
  'longitude',
  'weather_conditions',
] as const satisfies readonly BoatlogField[];
