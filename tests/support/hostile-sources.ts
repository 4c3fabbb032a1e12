import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeDatabase, writeEndlessTable } from '../../packages/boat/src/testing/craft-database.ts';

const MIB = 1_048_576;

/** Replaces the file at `path`. */
export function writeInPlace(path: string, content: string): void {
  rmSync(path, { force: true, recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const BOATLOG =
  'CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT)';
const toBoatlog = (column: string, bytes: number, character: string): string =>
  `${BOATLOG}; INSERT INTO boatlog_entries (timestamp, ${column}) VALUES ('2026-03-16T14:03:05Z', replace(hex(zeroblob(${bytes / 2})), '0', '${character}'))`;
const ENDLESS = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)';
const database =
  (path: string, sql: string) =>
  (root: string): void =>
    writeDatabase(join(root, path), sql);
const file =
  (path: string, toContent: () => string) =>
  (root: string): void =>
    writeInPlace(join(root, path), toContent());

const CAPTURE_COLUMNS =
  'capture_id timestamp species confidence latitude longitude file_size person_detected fish_detected person_confidence fish_confidence species_confidence species_top3 slot_id location gemini_species gemini_response image_path'.split(
    ' ',
  );
const ISSUE_COLUMNS =
  'id timestamp category severity description metrics correlation_id status resolved_at remediation_action'.split(
    ' ',
  );
const COLUMNS_200 = Array.from(
  { length: 200 },
  (_, n) => `c${n} TEXT DEFAULT 'abcdefghijklmnopqrstuvwxyz'`,
).join(', ');

/** Returns 64 rows, the number read in one step. Every column contains the row number followed by this value. */
function toWideRows(table: string, columns: readonly string[], value: string): string {
  const rows = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 64)';
  return `CREATE TABLE ${table} (${columns.join(' TEXT, ')} TEXT); ${rows} INSERT INTO ${table} SELECT ${columns.map(() => value).join(', ')} FROM n`;
}

function sparse(path: string): (root: string) => void {
  return (root) => {
    writeInPlace(join(root, path), '');
    truncateSync(join(root, path), 10_240 * MIB);
  };
}

function placeRecordings(root: string): void {
  const folder = join(root, 'camera-recordings');
  mkdirSync(folder, { recursive: true });
  for (let no = 0; no < 30_000; no += 1)
    writeFileSync(join(folder, `capture_bow${no}_20260316_140305.jpg`), '');
}

function placeBenchmarks(root: string): void {
  const tests = Array.from({ length: 2_000 }, (_, id) => ({ id, samples: [{ rpm: '1' }, { rpm: '2' }] }));
  const source = join(root, 'benchmark');
  writeInPlace(source, `${JSON.stringify({ tests })}${' '.repeat(7 * MIB)}`);
  for (const folder of ['data', 'config', 'data/benchmarks']) {
    mkdirSync(join(root, folder), { recursive: true });
    for (let day = 0; day < 366; day += 1) {
      const name = `d3kos-benchmark-${new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)}.json`;
      rmSync(join(root, folder, name), { force: true });
      linkSync(source, join(root, folder, name));
    }
  }
}

/** The files that another service, or anyone with that service's write access, could put in place of a source. */
export const HOSTILE_SOURCES: readonly (readonly [name: string, place: (root: string) => void])[] = [
  ['60 MB of an entry type', database('data/boatlog/boatlog.db', toBoatlog('entry_type', 60 * MIB, 'x'))],
  [
    '20 MB of brackets as weather',
    database('data/boatlog/boatlog.db', toBoatlog('weather_conditions', 20 * MIB, '[')),
  ],
  ['100 MB of content', database('data/boatlog/boatlog.db', toBoatlog('content', 100 * MIB, 'a'))],
  [
    'an endless view',
    database(
      'data/boatlog/boatlog.db',
      `CREATE VIEW boatlog_entries AS ${ENDLESS} SELECT x AS entry_id, 'auto' AS entry_type FROM n`,
    ),
  ],
  [
    '40 MB of an answer about a capture',
    database(
      'data/marine-vision/captures.db',
      "CREATE TABLE captures (id INTEGER PRIMARY KEY, timestamp TEXT, image_path TEXT, species TEXT, gemini_response TEXT); INSERT INTO captures VALUES (1, '2026-03-16T14:03:05Z', 'a', 'b', replace(hex(zeroblob(20971520)), '0', '{'))",
    ),
  ],
  [
    'a line of 60 MB in a log',
    file('data/alarm-webhook-log.jsonl', () => `{"ts":"${'x'.repeat(60 * MIB)}"}`),
  ],
  [
    'a log of 100,000 lines',
    file('data/alarm-webhook-log.jsonl', () => '{"ts":"2026-03-16T14:03:05Z"}\n'.repeat(100_000)),
  ],
  [
    '300,000 alerts',
    file('data/alerts.json', () => `[${Array.from({ length: 300_000 }, (_, n) => `{"id":${n}}`).join(',')}]`),
  ],
  ['6 million empty lists', file('config/user-preferences.json', () => `[${'[],'.repeat(6_000_000)}[]]`)],
  ['endless escaped quotes', file('config/onboarding.json', () => `"${'\\"'.repeat(4_000_000)}`)],
  [
    'spaces before the end of a line',
    file('services/dashboard/config/vessel.env', () => `A=x${' '.repeat(1_000_000)}y`),
  ],
  [
    '64 rows of 18 long values',
    database(
      'data/marine-vision/captures.db',
      toWideRows('captures', CAPTURE_COLUMNS, `replace(hex(zeroblob(130000)), '0', 'x')`),
    ),
  ],
  [
    '64 rows of 18 long values that are not ASCII',
    database(
      'data/marine-vision/captures.db',
      toWideRows('captures', CAPTURE_COLUMNS, `replace(hex(zeroblob(63000)), '00', 'ÿĀ')`),
    ),
  ],
  [
    '64 rows of ten lists of 60,000 objects',
    database(
      'data/self-healing/issues.db',
      toWideRows('issues', ISSUE_COLUMNS, `'[' || replace(hex(zeroblob(60000)), '00', '{},') || '{}]'`),
    ),
  ],
  [
    '1,000 tables of 200 columns',
    database(
      'data/boatlog/boatlog.db',
      `BEGIN; ${Array.from({ length: 1_000 }, (_, n) => `CREATE TABLE t${n} (${COLUMNS_200})`).join('; ')}; COMMIT`,
    ),
  ],
  [
    'a table whose pages repeat without end',
    (root) =>
      writeEndlessTable(
        join(root, 'data', 'captures.db'),
        'captures',
        "CREATE TABLE captures (id INTEGER PRIMARY KEY, timestamp TEXT); INSERT INTO captures VALUES (5, '2026-03-16T14:03:05Z')",
      ),
  ],
  ['a sparse list of 10 GB', sparse('data/alerts.json')],
  ['a sparse log of 10 GB', sparse('data/alarm-webhook-log.jsonl')],
  ['a sparse database of 10 GB', sparse('data/marine-vision/captures.db')],
  ['30,000 recordings', placeRecordings],
  ['1,098 names of one file with 2,000 benchmarks and 7 MB of spaces', placeBenchmarks],
  [
    'a pipe',
    (root) => {
      const path = join(root, 'data', 'self-healing', 'issues.db');
      rmSync(path, { force: true });
      execFileSync('mkfifo', [path]);
    },
  ],
];
