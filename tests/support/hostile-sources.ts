import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const MIB = 1_048_576;

/** Writes a file in the place of whatever is there. */
export function writeInPlace(path: string, content: string): void {
  rmSync(path, { force: true, recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function writeDatabase(path: string, sql: string): void {
  rmSync(path, { force: true });
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
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

/** What another service, or someone who may write where it writes, can put in the place of a source below the boat's root. */
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
  ['escaped quotes without end', file('config/onboarding.json', () => `"${'\\"'.repeat(4_000_000)}`)],
  [
    'spaces before the end of a line',
    file('services/dashboard/config/vessel.env', () => `A=x${' '.repeat(1_000_000)}y`),
  ],
  [
    'a pipe',
    (root) => {
      const path = join(root, 'data', 'self-healing', 'issues.db');
      rmSync(path, { force: true });
      execFileSync('mkfifo', [path]);
    },
  ],
];
