import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { writeBoat } from '../../../sim/src/fixture/boat.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { writeDatabase, writeEndlessTable } from '../testing/craft-database.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext } from './collection-for-tests.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { createOddParts } from './source-notes.ts';
import type { SourceTable } from './source-table.ts';
import { systemAlertsCollector } from './system-alerts.ts';
import { createRowPages, eachPage } from './table-rows.ts';
import { telemetryCollector } from './telemetry.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-crafted-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

function newBoat() {
  const root = join(folder, String((boats += 1)));
  return { root, places: writeBoat(root, { generation: 'fresh', rows: 0, seed: 1 }).places };
}

const BOATLOG = [
  boatlogCollector,
  'data/boatlog/boatlog.db',
  'boatlog_entries',
  "CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, entry_type TEXT, content TEXT); INSERT INTO boatlog_entries VALUES (5, '2026-03-16T14:03:05Z', 'auto', 'hi')",
] as const;
const TABLES = [
  BOATLOG,
  [
    marineVisionCapturesCollector,
    'data/marine-vision/captures.db',
    'captures',
    "CREATE TABLE captures (id INTEGER PRIMARY KEY, timestamp TEXT); INSERT INTO captures VALUES (5, '2026-03-16T14:03:05Z')",
  ],
  [
    systemAlertsCollector,
    'data/self-healing/issues.db',
    'issues',
    "CREATE TABLE issues (id INTEGER PRIMARY KEY, timestamp TEXT); INSERT INTO issues VALUES (5, '2026-03-16T14:03:05Z')",
  ],
] as const;

describe('a table whose pages repeat endlessly', () => {
  for (const [collector, name, table, sql] of TABLES)
    for (const mode of ['incremental', 'full'] as const)
      it(`ends an export of ${collector.category} as damaged: ${mode}`, async () => {
        const { root, places } = newBoat();
        writeEndlessTable(join(root, name), table, sql);
        const { outcome } = await collectAll(collector, createTestContext(places, undefined, { mode }));
        assert.equal(outcome.state, 'error');
        assert.match(outcome.detail ?? '', /is damaged|is too large/);
      });

  it("ends the search for a kiosk page's entries", async () => {
    const { root, places } = newBoat();
    const [collector, name, table, sql] = BOATLOG;
    writeEndlessTable(join(root, name), table, sql);
    const entry = { timestamp: '2026-03-16T15:00:00.000Z', type: 'voice', text: 'not in the database' };
    const browser = {
      browserDocument: (key: string) =>
        key === 'd3kos-boatlog-entries' ? JSON.stringify([entry]) : undefined,
    };
    const { outcome } = await collectAll(collector, createTestContext(places, undefined, browser));
    assert.match(outcome.detail ?? '', /is damaged|is too large/);
  });

  it('is counted only up to a limit in usage analytics', async () => {
    const { root, places } = newBoat();
    writeEndlessTable(
      join(root, 'data/telemetry/telemetry.db'),
      'clicks',
      'CREATE TABLE clicks (id INTEGER PRIMARY KEY); INSERT INTO clicks VALUES (1)',
    );
    const { records } = await collectAll(
      telemetryCollector,
      createTestContext(places, undefined, { usageConsent: true }),
    );
    assert.deepEqual(records[0]?.['usage'], { clicks: 1_000_000 });
  });
});

describe('a schema', () => {
  const open = (path: string): void => createDatabases().openSource(path)?.close();
  const isTooLarge = { errcode: 18 };
  const tables = (count: number): string =>
    Array.from({ length: count }, (_, index) => `CREATE TABLE t${index} (a TEXT, b TEXT, c TEXT)`).join(';');

  it('with a few hundred tables is read, even from the write-ahead log', () => {
    const path = join(folder, 'usual.db');
    writeDatabase(path, tables(300));
    open(path);
    const writer = new DatabaseSync(path);
    writer.exec(`PRAGMA journal_mode = WAL; CREATE TABLE later (a TEXT)`);
    open(path);
    writer.close();
  });

  it('with many columns is rejected before SQLite reads it, even in the write-ahead log', () => {
    const columns = Array.from(
      { length: 1_000 },
      (_, index) => `column_with_a_long_name_${index} TEXT`,
    ).join();
    const wide = Array.from({ length: 40 }, (_, index) => `CREATE TABLE w${index} (${columns})`).join(';');
    const path = join(folder, 'wide.db');
    writeDatabase(path, wide);
    assert.throws(() => open(path), isTooLarge);

    const logged = join(folder, 'logged.db');
    writeDatabase(logged, 'PRAGMA journal_mode = WAL; CREATE TABLE a (b)');
    const writer = new DatabaseSync(logged);
    writer.exec(wide);
    assert.throws(() => open(logged), isTooLarge);
    writer.close();
  });

  it('whose pages repeat endlessly is rejected', () => {
    const path = join(folder, 'endless.db');
    writeEndlessTable(path, 'sqlite_schema', 'CREATE TABLE a (b TEXT UNIQUE)');
    assert.throws(() => open(path), isTooLarge);
  });

  it('reports its category and the reason', async () => {
    const { root, places } = newBoat();
    const [collector, name] = BOATLOG;
    writeEndlessTable(
      join(root, name),
      'sqlite_schema',
      'CREATE TABLE boatlog_entries (content TEXT UNIQUE)',
    );
    const { outcome } = await collectAll(collector, createTestContext(places));
    assert.deepEqual(
      [outcome.state, outcome.detail],
      ['error', `${name} has a value or a schema that is too large to read (SQLite 18)`],
    );
  });
});

it('rows with long values are read in pages of limited size, and each row only once', () => {
  const fields = ['a', 'b', 'c', 'd'] as const;
  const path = join(folder, 'wide-rows.db');
  const value = "x || replace(hex(zeroblob(120000)), '0', 'y')";
  writeDatabase(
    path,
    `CREATE TABLE rows (a, b, c, d); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 40)
     INSERT INTO rows SELECT ${fields.map(() => value).join()} FROM n`,
  );
  const db = createDatabases().openSource(path);
  assert.ok(db);
  const table: SourceTable<(typeof fields)[number]> = {
    db,
    table: 'rows',
    columns: { a: 'a', b: 'b', c: 'c', d: 'd' },
    has: () => true,
    columnOf: (field) => field,
    isRowid: () => false,
    unread: undefined,
  };
  const positions: string[] = [];
  const readPage = createRowPages(table, fields, createOddParts('x', 'value'));
  for (const rows of eachPage(readPage, new AbortController().signal)) {
    const length = rows.flatMap(({ values }) => Object.values(values)).join('').length;
    assert.ok(length < 4 * 1024 * 1024, `a page has ${length} characters`);
    positions.push(...rows.map(({ position }) => position));
  }
  db.close();
  assert.deepEqual(
    positions,
    Array.from({ length: 40 }, (_, index) => String(index + 1)),
  );
});
