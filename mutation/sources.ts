import type { Mutant } from './mutant.ts';

const COLLECT = 'packages/boat/src/collect';
const SOURCE_DISK = 'packages/boat/src/platform/source-disk.ts';
const COLUMN_ZONES = `${COLLECT}/policy/column-zones.ts`;
const SOURCE_TABLE = `${COLLECT}/source-table.ts`;
const COUNTED_TESTS = [`${COLLECT}/counted-values.test.ts`];
const FAILURE_TESTS = [`${COLLECT}/source-failures.test.ts`];
const MAP_POSITION = 'packages/central/src/import/map-position.ts';
const MAP_POSITION_TESTS = ['packages/central/src/import/map-position.test.ts'];

/** Faults that make reading sources less robust. */
export const SOURCE_MUTANTS: readonly Mutant[] = [
  {
    name: 'a source that never answers blocks its category forever',
    file: SOURCE_DISK,
    before: 'return await Promise.race([pending, deadline]);',
    after: 'return await Promise.race([pending, deadline.catch(() => pending)]);',
    killedBy: FAILURE_TESTS,
  },
  {
    name: 'stuck sources occupy every thread',
    file: SOURCE_DISK,
    before: "if (stuck.size >= STUCK_MAX) throw doesNotAnswer(path, 'EAGAIN');",
    after: '',
    killedBy: FAILURE_TESTS,
  },
  {
    name: 'a stuck source is read again with every export',
    file: SOURCE_DISK,
    before: "if (stuck.has(path)) throw doesNotAnswer(path, 'ETIMEDOUT');",
    after: '',
    killedBy: FAILURE_TESTS,
  },
  {
    name: 'a view is read like a table',
    file: SOURCE_TABLE,
    before: "if (found['type'] === 'view') return 'is a view, and only ordinary tables are read';",
    after: '',
    killedBy: FAILURE_TESTS,
  },
  {
    name: 'the name of a source that the disk cannot read is lost',
    file: SOURCE_TABLE,
    before: '  if (isExportError(error))\n',
    after: '  if (isExportError(error) && error.cause === undefined)\n',
    killedBy: FAILURE_TESTS,
  },
  {
    name: 'an unexpected failure of a source fails every category',
    file: `${COLLECT}/with-source-failures.ts`,
    before: "if (!isExportError(error, 'DISK_FAILED') && ",
    after: "if (!isExportError(error, 'DISK_FULL') && ",
    killedBy: FAILURE_TESTS,
  },
  {
    name: 'a capture that was exported once is never exported again',
    file: `${COLLECT}/state-records.ts`,
    before: 'context.digestOf(record.record_id) === digest) return undefined;',
    after: 'context.digestOf(record.record_id) !== undefined) return undefined;',
    killedBy: [`${COLLECT}/changed-rows.test.ts`],
  },
  {
    name: 'deleting an image counts as a change to its capture',
    file: `${COLLECT}/marine-vision-captures.ts`,
    before: "if (capture['file_size_bytes'] !== null) return record;",
    after: "if (capture['file_size_bytes'] === null) return record;",
    killedBy: [`${COLLECT}/changed-rows.test.ts`],
  },
  {
    name: 'the local times of captures and issues are read as UTC',
    file: COLUMN_ZONES,
    before: "return column === 'created_at' ? 'utc' : TIMESTAMP_ZONES[source];",
    after: "return 'utc';",
    killedBy: [`${COLLECT}/local-times.test.ts`],
  },
  {
    name: "SQLite's CURRENT_TIMESTAMP is read as local time",
    file: COLUMN_ZONES,
    before: "return column === 'created_at' ? 'utc' : TIMESTAMP_ZONES[source];",
    after: 'return TIMESTAMP_ZONES[source];',
    killedBy: [`${COLLECT}/local-times.test.ts`],
  },
  {
    name: 'the current time zone applies to every time',
    file: `${COLLECT}/policy/timestamps.ts`,
    before: 'if (utcMs >= sinceMs || index === periods.length - 1)',
    after: 'if (utcMs >= 0 || index === periods.length - 1)',
    killedBy: [`${COLLECT}/policy/time-zones.test.ts`],
  },
  {
    name: 'a time that occurs twice, when the clocks are set back, counts as the second occurrence',
    file: `${COLLECT}/policy/timestamps.ts`,
    before: 'if (before === after || offsetMsAt(early) === before) return early;',
    after: 'if (before === after) return early;',
    killedBy: [`${COLLECT}/policy/time-zones.test.ts`],
  },
  {
    name: 'a value of any size is read into memory',
    file: `${COLLECT}/table-rows.ts`,
    before: 'limits.length = SHORT_VALUE_MAX_BYTES;',
    after: '',
    killedBy: [`${COLLECT}/long-values.test.ts`],
  },
  {
    name: 'local times of spoken entries are read as UTC',
    file: COLUMN_ZONES,
    before: "new Set(['voice', 'text'])",
    after: "new Set(['text'])",
    killedBy: [`${COLLECT}/boatlog-times.test.ts`],
  },
  {
    name: 'SQLite converts local times after a clock change with the old offset',
    file: `${COLLECT}/boatlog-fast-line.ts`,
    before: 'OR ${t} BETWEEN ?3 AND ?4)`',
    after: "OR ${t} BETWEEN ?3 AND ?4 || 'z' OR ${t} > ?4)`",
    killedBy: [`${COLLECT}/boatlog-times.test.ts`],
  },
  {
    name: 'content of any size is read before it is truncated',
    file: `${COLLECT}/boatlog-rows.ts`,
    before: "`CASE WHEN ${isTooLong('content')} THEN NULL WHEN",
    after: '`CASE WHEN',
    killedBy: [`${COLLECT}/long-values.test.ts`],
  },
  {
    name: 'a column that is not JSON silently becomes null',
    file: `${COLLECT}/system-alerts.ts`,
    before: "if (json.kind === 'odd') odd.add(",
    after: "if (json.kind === 'odd' && rowid === '') odd.add(",
    killedBy: COUNTED_TESTS,
  },
  {
    name: 'integers in a table are rounded',
    file: `${COLLECT}/source-table.ts`,
    before: ': toExactInteger(value);',
    after: ': Number(value);',
    killedBy: COUNTED_TESTS,
  },
  {
    name: 'an unreadable file counts as a deleted one',
    file: `${COLLECT}/document-files.ts`,
    before: '...(unread.length === 0 ? {} : { unread }),',
    after: '',
    killedBy: COUNTED_TESTS,
  },
  {
    name: 'other files among the recordings are silently ignored',
    file: `${COLLECT}/marine-vision-snapshots.ts`,
    before: 'if (snapshot === undefined) odd.add(',
    after: 'if (snapshot !== undefined) odd.add(',
    killedBy: COUNTED_TESTS,
  },
  {
    name: 'a corrected boatlog entry is not exported again',
    file: `${COLLECT}/find-changed-rows.ts`,
    before: 'if (through > after && before.count > 0 && known !== before.digest)',
    after: 'if (through > after && before.count > 0 && known === before.digest)',
    killedBy: [`${COLLECT}/changed-rows.test.ts`],
  },
  {
    name: 'a file that is damaged on the boat erases its values at central',
    file: 'packages/central/src/store/record-tables.ts',
    before: "where excluded.record -> 'unread' ? former.key)",
    after: "where excluded.record -> 'read' ? former.key)",
    killedBy: ['packages/central/src/import/store-part.test.ts'],
  },
  {
    name: 'a position at 0/0 is on the map',
    file: MAP_POSITION,
    before: 'latitude === 0 && longitude === 0 ? NO_POSITION',
    after: 'latitude === 0 && longitude === 1 ? NO_POSITION',
    killedBy: MAP_POSITION_TESTS,
  },
  {
    name: 'a position beyond the poles is on the map',
    file: MAP_POSITION,
    before: 'const LATITUDE_MAX = 90;',
    after: 'const LATITUDE_MAX = 360;',
    killedBy: MAP_POSITION_TESTS,
  },
];
