/** This step's record tables. They are written out, because a released step never changes. */
const TABLES = [
  'engine_benchmark',
  'boatlog',
  'marine_vision_captures',
  'marine_vision_snapshots',
  'qr_codes',
  'settings',
  'system_alerts',
  'onboarding',
  'telemetry',
];

/**
 * Makes a record's digest optional. Nothing reads the digests. For each digest, an import had to sort the record's keys and store
 * 65 bytes (decision 0045). Nodes of the previous version still write them.
 */
export const NO_RECORD_DIGEST_SQL = TABLES.map(
  (category) => `alter table records_${category} alter column sha256 drop not null;`,
).join('\n');
