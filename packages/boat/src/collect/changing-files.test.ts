import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { createClock } from '../platform/clock.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext } from './collection-for-tests.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-changing-files-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;
const ROWS = 20_000;

/** A boat whose log is in the write-ahead log, which its writer keeps open. */
function newBoat() {
  boats += 1;
  const root = join(folder, String(boats));
  const path = join(root, 'data', 'boatlog', 'boatlog.db');
  mkdirSync(dirname(path), { recursive: true });
  const writer = new DatabaseSync(path);
  writer.exec(`PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
    CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, entry_type TEXT, content TEXT);
    WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ${ROWS})
    INSERT INTO boatlog_entries SELECT x, '2026-03-16 14:05:00', 'auto', 'row ' || x FROM n`);
  return { root, path, writer };
}

/** What a program with write access to the folder can do to the files beside the database while the database is being read. */
const CHANGES: readonly (readonly [name: string, change: (path: string) => void])[] = [
  ['truncates the write-ahead log', (path) => truncateSync(`${path}-wal`)],
  [
    'overwrites the write-ahead log',
    (path) => writeFileSync(`${path}-wal`, randomBytes(statSync(`${path}-wal`).size)),
  ],
  ['removes the write-ahead log', (path) => rmSync(`${path}-wal`)],
  ['removes the shared memory', (path) => rmSync(`${path}-shm`)],
  ['overwrites the shared memory', (path) => writeFileSync(`${path}-shm`, randomBytes(32_768))],
  ['overwrites the database', (path) => writeFileSync(path, randomBytes(statSync(path).size))],
  ['removes all of them', (path) => ['', '-wal', '-shm'].forEach((suffix) => rmSync(`${path}${suffix}`))],
];

describe("a program that changes a database's files during the read", () => {
  for (const [name, change] of CHANGES)
    it(`cannot crash the daemon or make it invent records: it ${name}`, async () => {
      const { root, path, writer } = newBoat();
      const clock = createClock();
      let yields = 0;
      const context = createTestContext(toBoatPlaces(root), undefined, {
        mode: 'full',
        clock: {
          ...clock,
          yield: () => {
            yields += 1;
            if (yields === 2) change(path);
            return clock.yield();
          },
        },
      });
      const { records, outcome } = await collectAll(boatlogCollector, context);
      writer.close();
      assert.ok(yields >= 2 && records.length <= ROWS, `${yields} pages, ${records.length} records`);
      assert.ok(records.length === ROWS ? outcome.state === 'ok' : outcome.state === 'error', outcome.state);
      for (const record of records) assert.match(String(record['content']), /^row [0-9]+$/);
    });
});
