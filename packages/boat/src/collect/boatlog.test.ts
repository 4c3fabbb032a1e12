import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { writeBoatlog } from '../../../sim/src/fixture/boatlog.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import {
  type Collection,
  collectAll,
  createTestContext,
  createTestProgress,
} from './collection-for-tests.ts';

const SOURCE_PATH = 'data/boatlog/boatlog.db';
const OLD_SOURCE_PATH = 'data/boatlog.db';
const COLUMNS =
  'entry_id, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-boatlog-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;

function newRoot(): string {
  roots += 1;
  return join(folder, String(roots));
}

function openDatabase(root: string, name = SOURCE_PATH): DatabaseSync {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  return new DatabaseSync(join(root, name));
}

function writeRows(
  root: string,
  rows: readonly (readonly SQLInputValue[])[],
  name = SOURCE_PATH,
  columns = COLUMNS,
): void {
  const db = openDatabase(root, name);
  db.exec(`CREATE TABLE IF NOT EXISTS boatlog_entries (${columns})`);
  for (const row of rows)
    db.prepare(`INSERT INTO boatlog_entries VALUES (${row.map(() => '?').join(', ')})`).run(...row);
  db.close();
}

function collect(root: string, mode: 'full' | 'incremental' = 'full'): Promise<Collection> {
  return collectAll(boatlogCollector, createTestContext(toBoatPlaces(root), undefined, { mode }));
}

const ENTRY = [1, '2026-03-16T14:03:05.123Z', 'voice', 'hello', 44.5, -79.25, 'clear'] as const;

describe('the boatlog', () => {
  it('exports an entry with the legacy field names, a record ID and its time in UTC', async () => {
    const root = newRoot();
    writeRows(root, [ENTRY]);
    const { records, lines, outcome } = await collect(root);
    assert.deepEqual(records, [
      {
        record_id: '1@2026-03-16T14:03:05.123Z',
        entry_id: 1,
        timestamp: '2026-03-16T14:03:05.123Z',
        timestamp_utc: '2026-03-16T14:03:05.123Z',
        timestamp_zone: 'stated',
        type: 'voice',
        content: 'hello',
        gps: { latitude: 44.5, longitude: -79.25 },
        weather: 'clear',
      },
    ]);
    assert.match(lines[0] ?? '', /^\{"record_id":/);
    assert.equal(outcome.state, 'ok');
  });

  it("interprets local timestamps in the boat's time zone, and weather as an object with allowed keys", async () => {
    const root = newRoot();
    writeRows(root, [
      [
        5,
        '20260322_122202',
        'weather_auto',
        'x',
        null,
        null,
        '{"temp_c":NaN,"wind":{"dir":"N"},"api_key":"secret"}',
      ],
    ]);
    mkdirSync(join(root, 'config'));
    writeFileSync(join(root, 'config/timezone.txt'), 'America/Toronto\n');
    const [record] = (await collect(root)).records;
    assert.equal(record?.['timestamp_utc'], '2026-03-22T16:22:02.000Z');
    assert.equal(record?.['timestamp_zone'], 'assumed_local:America/Toronto');
    assert.deepEqual(record?.['weather'], { temp_c: null, wind: { dir: 'N' } });
  });

  it('names rows without an ID by their content and numbers duplicates, identically in every export', async () => {
    const root = newRoot();
    const row = [null, '2026-03-16T14:03:05', 'voice', 'again', null, null, null] as const;
    writeRows(root, [row, row, [null, '2026-03-16T14:03:05', 'voice', 'other', null, null, null], row]);
    const progress = createTestProgress();
    const context = createTestContext(toBoatPlaces(root), progress);
    const first = await collectAll(boatlogCollector, context);
    progress.commit(first.outcome);
    writeRows(root, [row]);
    const second = await collectAll(boatlogCollector, context);
    const all = await collect(root);
    const ids = [...first.records, ...second.records].map((record) => record.record_id);
    assert.deepEqual(ids.length, 5);
    assert.equal(new Set(ids).size, 5);
    assert.deepEqual(
      all.records.map((record) => record.record_id),
      ids,
    );
    assert.match(ids[0] ?? '', /^~[0-9a-f]{32}@2026-03-16T14:03:05$/);
    assert.match(ids[4] ?? '', /#3@/);
  });

  it('exports any row value as valid JSON', async () => {
    const root = newRoot();
    const db = openDatabase(root);
    db.exec(`CREATE TABLE boatlog_entries (${COLUMNS})`);
    db.exec(`INSERT INTO boatlog_entries VALUES
      (1, '2026-03-16T14:03:05.123Z', 'voice', CAST(x'6162ff2263e2' AS TEXT), 9e999, -9e999, '[1, 2'),
      (2, '2026-03-16T14:03:05.123Z', 'voice', x'00ff', 'north', NULL, NULL),
      (3, '2026-03-16T14:03:05.123Z', 'voice', 'a' || char(0) || 'b' || char(10) || char(8232), 1, 2, NULL),
      (9007199254740993, '2026-03-16T14:03:05.123Z', NULL, NULL, NULL, NULL, NULL),
      (1.5, NULL, 7, 8, NULL, NULL, '{"description": "\\ud800"}'),
      (x'0102', x'fe', '', '', NULL, NULL, ''),
      ('', '', '', '', NULL, NULL, '')`);
    db.prepare('INSERT INTO boatlog_entries VALUES (?, ?, ?, ?, NULL, NULL, NULL)').run(
      'x'.repeat(400),
      'y',
      'z',
      'w',
    );
    db.close();
    const { records, lines, outcome } = await collect(root);
    assert.equal(outcome.state, 'ok');
    assert.equal(records.length, 8);
    assert.equal(new Set(records.map((record) => record.record_id)).size, 8);
    assert.deepEqual(
      records.slice(0, 4).map((record) => record['content']),
      ['ab\ufffd"c\ufffd', 'hex:00ff', 'a\0b\n\u2028', null],
    );
    assert.deepEqual(records[0]?.['gps'], { latitude: null, longitude: null });
    assert.match(lines[3] ?? '', /"record_id":"9007199254740993@[^"]+","entry_id":9007199254740993,/);
    assert.deepEqual(records[4]?.['weather'], { description: '\ufffd' });
  });

  it('exports text that is not UTF-8 on the fast path', async () => {
    const root = newRoot();
    const db = openDatabase(root);
    db.exec(`CREATE TABLE boatlog_entries (${COLUMNS})`);
    db.exec(
      "INSERT INTO boatlog_entries VALUES (1, '2026-03-16T14:03:05.123Z', 'voice', CAST(x'61ff22e2' AS TEXT), NULL, NULL, NULL)",
    );
    db.close();
    const { records } = await collect(root);
    assert.equal(records[0]?.['content'], 'a\ufffd"\ufffd');
  });

  it('exports rows of 2 MB in pages of limited size, and truncates content that is too large for a request', async () => {
    const root = newRoot();
    const large = 'x'.repeat(2 * 1024 * 1024);
    const rows = Array.from({ length: 12 }, (_, index) => [index, ENTRY[1], 'text', large, null, null, null]);
    writeRows(root, [...rows, [99, ENTRY[1], 'text', 'y'.repeat(9 * 1024 * 1024), null, null, null]]);
    const { records, pages } = await collect(root);
    assert.equal(records.length, 13);
    assert.ok(pages >= 7, `${pages} pages`);
    assert.equal(records[0]?.['content'], large);
    assert.equal(records[12]?.['content_is_cut'], true);
    assert.equal(String(records[12]?.['content']).length, 1024 * 1024);
  });

  it("produces valid lines from bytes that look like SQLite's binary JSON", async () => {
    for (const bytes of [[0x73, 0, 0, 0, 0, 0, 0, 0], [0x00], [0x01], [0x13, 0x37], [0x0b]])
      for (const column of ['content', 'type'] as const) {
        const root = newRoot();
        const blob = Uint8Array.from(bytes);
        const [type, content] = column === 'type' ? [blob, 'x'] : ['voice', blob];
        writeRows(root, [[1n, '1970-01-01T00:00:01.000Z', type, content, null, null, null]]);
        const { lines } = await collect(root);
        for (const line of lines) JSON.parse(line);
        assert.equal(lines.length, 1);
      }
  });

  it('finds its columns by name, in any order and among other columns', async () => {
    const root = newRoot();
    writeRows(
      root,
      [['a secret', 'hello', '2026-03-16T14:03:05.123Z', 7]],
      SOURCE_PATH,
      'password, "Text", created_at, id INTEGER PRIMARY KEY',
    );
    const { records, lines } = await collect(root);
    assert.equal(records[0]?.record_id, '7@2026-03-16T14:03:05.123Z');
    assert.equal(records[0]?.['content'], 'hello');
    assert.ok(!lines.join().includes('a secret'));
  });

  it('exports an entry that is in both databases only once, and also entries that are only in the old database', async () => {
    const root = newRoot();
    const columns = COLUMNS.replace('entry_id,', 'entry_id INTEGER PRIMARY KEY,');
    const second = [2, '2026-03-17T14:03:05.123Z', 'text', 'two', null, null, null] as const;
    const third = [3, '2025-01-01T00:00:00.000Z', 'text', 'only old', null, null, null] as const;
    writeRows(root, [ENTRY, second], SOURCE_PATH, columns);
    writeRows(root, [ENTRY, third], OLD_SOURCE_PATH, columns);
    const { records, outcome } = await collect(root);
    assert.deepEqual(
      records.map((record) => record['entry_id']),
      [1, 2, 3],
    );
    assert.deepEqual(
      outcome.cursors.map(({ source, to }) => [source, to.position]),
      [
        [SOURCE_PATH, 2],
        [OLD_SOURCE_PATH, 3],
      ],
    );
  });
});

describe('a boatlog that cannot be read', () => {
  const cases: readonly (readonly [string, (root: string) => void, string])[] = [
    ['is missing', () => undefined, 'source_missing'],
    ['has 0 bytes', (root) => writeFile(root, ''), 'empty'],
    ['has no table', (root) => openAndRun(root, 'CREATE TABLE other (a)'), 'empty'],
    ['has no rows', (root) => openAndRun(root, `CREATE TABLE boatlog_entries (${COLUMNS})`), 'empty'],
    [
      'has no known column',
      (root) => openAndRun(root, 'CREATE TABLE boatlog_entries (a, b)'),
      'schema_unknown',
    ],
    [
      'is not a database',
      (root) => writeFile(root, 'not a database, but long enough to be examined '.repeat(100)),
      'error',
    ],
    ['is damaged', damage, 'error'],
  ];
  function writeFile(root: string, content: string): void {
    mkdirSync(dirname(join(root, SOURCE_PATH)), { recursive: true });
    writeFileSync(join(root, SOURCE_PATH), content);
  }
  function openAndRun(root: string, sql: string): void {
    const db = openDatabase(root);
    db.exec(sql);
    db.close();
  }
  function damage(root: string): void {
    writeBoatlog(join(root, SOURCE_PATH), { style: 'integer', rows: 3000, seed: 1 });
    const db = openDatabase(root);
    db.exec('PRAGMA journal_mode = DELETE');
    db.close();
    const path = join(root, SOURCE_PATH);
    const size = statSync(path).size;
    writeFileSync(path, Buffer.alloc(size / 2, 0xa5), { flag: 'r+', flush: true });
  }
  for (const [what, make, state] of cases)
    it(`${what}: ${state}, and no cursor moves`, async () => {
      const root = newRoot();
      make(root);
      const { outcome } = await collect(root);
      assert.equal(outcome.state, state);
      assert.deepEqual(outcome.cursors, []);
      assert.equal(outcome.detail === undefined, state === 'empty' || state === 'source_missing');
      assert.ok(!outcome.detail?.includes(folder), outcome.detail);
    });

  it('is reported within 5 s if its writer has locked it', async () => {
    const root = newRoot();
    writeRows(root, [ENTRY]);
    const writer = openDatabase(root);
    writer.exec('BEGIN EXCLUSIVE');
    const beganMs = performance.now();
    const { records, outcome } = await collect(root);
    assert.equal(outcome.state, 'error');
    assert.match(outcome.detail ?? '', /locked/);
    assert.deepEqual([records, outcome.cursors], [[], []]);
    // The boat waits 250 ms for the lock, which the writer would hold forever.
    assert.ok(performance.now() - beganMs < 60_000);
    writer.exec('ROLLBACK');
    writer.close();
    assert.equal((await collect(root)).records.length, 1);
  });

  it('is reported and does not prevent the other boatlog from being exported', async () => {
    const root = newRoot();
    writeRows(root, [ENTRY]);
    writeFileSync(join(root, OLD_SOURCE_PATH), 'broken '.repeat(200));
    const { records, outcome } = await collect(root);
    assert.equal(records.length, 1);
    assert.equal(outcome.state, 'ok');
    assert.match(outcome.detail ?? '', /data\/boatlog\.db is not a SQLite database/);
    assert.deepEqual(
      outcome.cursors.map(({ source }) => source),
      [SOURCE_PATH],
    );
  });
});

describe('a boatlog that is written while it is being read', () => {
  it('keeps its WAL small, because each page is a separate read transaction', async () => {
    const root = newRoot();
    writeBoatlog(join(root, SOURCE_PATH), { style: 'integer', rows: 60_000, seed: 3 });
    const writer = openDatabase(root);
    writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
    const insert = writer.prepare(
      "INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES ('2026-03-16T14:03:05.123Z', 'auto', ?)",
    );
    let walMaxBytes = 0;
    let written = 0;
    const pages = boatlogCollector.collect(
      createTestContext(toBoatPlaces(root), undefined, { mode: 'full' }),
    );
    for (let step = await pages.next(); step.done !== true; step = await pages.next()) {
      if (written >= 40_000) continue;
      writer.exec('BEGIN');
      for (let row = 0; row < 500; row += 1) insert.run('z'.repeat(800));
      writer.exec('COMMIT');
      written += 500;
      walMaxBytes = Math.max(walMaxBytes, statSync(join(root, `${SOURCE_PATH}-wal`)).size);
    }
    writer.close();
    assert.ok(written > 10_000, `${written} rows were written meanwhile`);
    assert.ok(walMaxBytes > 0 && walMaxBytes < 8 * 1024 * 1024, `the WAL grew to ${walMaxBytes} bytes`);
  });

  it('loses no rows if its rows are renumbered', async () => {
    const root = newRoot();
    writeBoatlog(join(root, SOURCE_PATH), { style: 'text', rows: 2000, seed: 4 });
    const writer = openDatabase(root);
    const pages = boatlogCollector.collect(
      createTestContext(toBoatPlaces(root), undefined, { mode: 'full' }),
    );
    await pages.next();
    writer.exec(
      'DELETE FROM boatlog_entries WHERE rowid BETWEEN 10 AND 200; UPDATE boatlog_entries SET rowid = rowid - 191 WHERE rowid > 200',
    );
    writer.close();
    let step = await pages.next();
    while (step.done !== true) step = await pages.next();
    assert.equal(step.value.state, 'error');
    assert.deepEqual(step.value.cursors, []);
  });
});
