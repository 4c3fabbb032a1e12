import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { prepareBoat } from './support/boat-in-process.ts';
import {
  createProcesses,
  freePort,
  NO_SERVER,
  type RunningDaemon,
  startDaemon,
  toEnding,
} from './support/processes.ts';

const UNIT = join(import.meta.dirname, '..', 'deploy', 'systemd', 'd3kos-export-manager.service');
const MIB = 1_048_576;

/** The limit of the daemon's unit, in MiB. */
function readUnitLimit(): number {
  return Number(/^MemoryMax=([0-9]+)M$/m.exec(readFileSync(UNIT, 'utf8'))?.[1]);
}

/** Most memory that a process had at once, in MiB. Page cache is not included; the kernel takes it back at the limit of a unit. */
function readPeak({ child }: RunningDaemon): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(status)?.[1]) / 1_024;
}

function write(path: string, content: string): void {
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
    write(join(root, path), toContent());

/** What another service, or someone who may write where it writes, can put in the place of a source. */
const SOURCES: readonly (readonly [name: string, place: (root: string) => void])[] = [
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

/** Sends a request, and once more if the daemon closed an idle connection just then. Rejects if the daemon has ended. */
async function request(daemon: RunningDaemon, method: string, path: string, what: string): Promise<number> {
  const body = method === 'POST' ? { type: 'incremental' } : undefined;
  for (let attempt = 1; ; attempt += 1)
    try {
      return (await daemon.request(method, path, body)).status;
    } catch (error) {
      const hasEnded = daemon.child.exitCode !== null || daemon.child.signalCode !== null;
      if (hasEnded || attempt === 2) throw new Error(`${what}: ${daemon.output()}`, { cause: error });
    }
}

test('the daemon survives every hostile source within the memory of its unit', async (t) => {
  const processes = createProcesses(toEnding(t));
  const limit = readUnitLimit();
  assert.ok(limit > 0, 'the unit has a limit');
  const root = join(processes.folder('hostile-sources'), 'boat');
  prepareBoat({ root, rows: 50 });
  const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: NO_SERVER });
  for (const [name, place] of SOURCES) {
    place(root);
    for (const [method, path] of [
      ['POST', '/export/generate'],
      ['GET', '/export/preview'],
    ] as const) {
      const status = await request(daemon, method, path, `${name}: ${path}`);
      assert.ok(status === 200 || status === 503 || status === 429, `${name}: ${path} answers ${status}`);
    }
    const peak = readPeak(daemon);
    t.diagnostic(`${name}: ${Math.round(peak)} MiB`);
    assert.ok(peak < limit, `${name}: ${Math.round(peak)} MiB`);
  }
  assert.equal((await daemon.request('GET', '/export/doctor')).status, 200);
  assert.equal(await daemon.stop(), 0);
});

const HEADER =
  '{"installation_id":"0123456789abcdef","export_timestamp":"2026-02-20T10:00:00Z","format_version":"1.0","export_id":"exp_1","export_type":"full","tier":2,"trigger":"manual","sequence":1,"ledger_id":"00112233445566ff","software_version":"0.1.0","clock":{"synchronized":true,"boot_id":"b"},"data":{';

/** What the daemon reads at its start. */
const AT_START: readonly (readonly [name: string, path: string, toContent: () => string])[] = [
  ['a queue of empty lists', 'data/exports/export_queue.json', () => `[${'[],'.repeat(11_000_000)}[]]`],
  ['a torn queue of small objects', 'data/exports/export_queue.json', () => '{"a":1}'.repeat(4_000_000)],
  [
    'an export of one line',
    'data/exports/exports/export_20260220_100000.json',
    () => `${HEADER}\n"boatlog":{"entries":[\n{"record_id":"${'x'.repeat(200 * MIB)}`,
  ],
  [
    'an export of records without a comma',
    'data/exports/exports/export_20260220_100000.json',
    () => `${HEADER}\n"boatlog":{"entries":[\n${'{"record_id":\n'.repeat(7_000_000)}],"entry_count":0}\n}}\n`,
  ],
];

for (const [name, path, toContent] of AT_START)
  test(`the daemon starts within the memory of its unit: ${name}`, async (t) => {
    const processes = createProcesses(toEnding(t));
    const root = join(processes.folder('hostile-start'), 'boat');
    prepareBoat({ root, rows: 5 });
    write(join(root, path), toContent());
    const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: NO_SERVER });
    const peak = readPeak(daemon);
    t.diagnostic(`${Math.round(peak)} MiB`);
    assert.ok(peak < readUnitLimit(), `${Math.round(peak)} MiB`);
    assert.equal(await daemon.stop(), 0);
  });
