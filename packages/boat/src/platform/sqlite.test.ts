import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { databasesContract } from './contract/databases-contract.ts';
import { mountReadOnlyView, mountSmallFileSystem } from './contract/small-file-system.ts';
import { isExportError } from './errors.ts';
import { sqliteCode } from './sqlite-code.ts';
import { createDatabases, openLedgerDatabase } from './sqlite.ts';

databasesContract('the machine', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-sqlite-'));
  return {
    databases: createDatabases(),
    folder,
    realPath: (path) => path,
    close: async () => rmSync(folder, { recursive: true }),
  };
});

const countIn = (db: DatabaseSync | undefined) => db?.prepare('SELECT count(*) AS n FROM t').get()?.['n'];

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-sqlite-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/**
 * Writes a WAL database with one row, either closed by its writer or in the state after a crash (with `-wal`, without `-shm`).
 */
function writeSource(folder: string, end: 'closed' | 'crashed'): string {
  const path = join(folder, 'boatlog.db');
  const writer = new DatabaseSync(path);
  writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)');
  writer.exec('PRAGMA wal_checkpoint; INSERT INTO t VALUES (1)');
  if (end === 'crashed') {
    copyFileSync(path, join(folder, 'copy'));
    copyFileSync(`${path}-wal`, join(folder, 'copy-wal'));
  }
  writer.close();
  if (end === 'crashed') {
    copyFileSync(join(folder, 'copy'), path);
    copyFileSync(join(folder, 'copy-wal'), `${path}-wal`);
    for (const name of ['copy', 'copy-wal']) rmSync(join(folder, name));
  }
  return path;
}

/** Writes to a database as another program does, without waiting. Returns its error, or an empty text. */
function writeFromOutside(path: string): string {
  const script = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(process.argv[1], { timeout: 0 });
    db.exec('INSERT INTO t VALUES (2)');`;
  const { stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '-e', script, path],
    { encoding: 'utf8' },
  );
  return stderr;
}

test('opening a source a second time does not release the lock under which the first connection reads', (t) => {
  const path = join(makeFolder(t), 'boatlog.db');
  const writer = new DatabaseSync(path);
  writer.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
  writer.close();
  const { openSource } = createDatabases();
  const first = openSource(path);
  first?.exec('BEGIN');
  assert.equal(countIn(first), 1);
  for (let times = 0; times < 2; times += 1) {
    const second = openSource(path);
    assert.equal(countIn(second), 1);
    second?.close();
    assert.match(writeFromOutside(path), /database is locked/);
  }
  first?.exec('COMMIT');
  first?.close();
  assert.equal(writeFromOutside(path), '');
  assert.equal(countIn(openSource(path)), 2);
});

test('a ledger that cannot use WAL is refused as not durable', () => {
  assert.throws(
    () => createDatabases().openLedger(':memory:'),
    (error) => isExportError(error, 'LEDGER_NOT_DURABLE'),
  );
});

test('a commit on a full file system throws DISK_FULL and changes nothing', (t) => {
  const mounted = mountSmallFileSystem(1024 * 1024);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  const path = join(mounted.path, 'exports.db');
  const steps: string[] = [];
  const ledger = openLedgerDatabase(path, (step) => steps.push(step));
  ledger.transaction(() => ledger.db.exec('CREATE TABLE t (x)'));
  const insert = (text: string) =>
    ledger.transaction(() => ledger.db.prepare('INSERT INTO t VALUES (?)').run(text));
  insert('first');
  fill(mounted.path);
  assert.throws(
    () => insert('x'.repeat(200_000)),
    (error) => isExportError(error, 'DISK_FULL'),
  );
  assert.equal(steps.at(-1), 'commit', 'the COMMIT failed');
  assert.equal(ledger.db.isTransaction, false);
  assert.equal(countIn(ledger.db), 1);
  rmSync(join(mounted.path, 'filler'));
  insert('x'.repeat(200_000));
  ledger.close();
  const again = createDatabases().openLedger(path);
  assert.equal(countIn(again.db), 2);
  again.close();
});

test('small transactions still commit on a full file system, in the WAL space already allocated', (t) => {
  const mounted = mountSmallFileSystem(16 * 1024 * 1024);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  const ledger = createDatabases().openLedger(join(mounted.path, 'exports.db'));
  ledger.transaction(() => ledger.db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, state)'));
  ledger.transaction(() => ledger.db.exec("INSERT INTO t VALUES (1, 'pending')"));
  const change = (state: string) =>
    ledger.transaction(() => ledger.db.prepare('UPDATE t SET state = ?').run(state));
  for (let round = 0; round < 1_100; round += 1) change(`round ${round}`);
  fill(mounted.path);
  for (let round = 0; round < 200; round += 1) change(`full ${round}`);
  assert.equal(ledger.db.prepare('SELECT state FROM t').get()?.['state'], 'full 199');
  ledger.close();
});

test('creating a ledger on a full file system throws DISK_FULL or LEDGER_FAILED, and works once there is space', (t) => {
  const mounted = mountSmallFileSystem(256 * 1024);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  fill(mounted.path);
  const path = join(mounted.path, 'exports.db');
  assert.throws(
    () => createDatabases().openLedger(path),
    (error) => isExportError(error, 'DISK_FULL'),
  );
  rmSync(join(mounted.path, 'filler'));
  createDatabases().openLedger(path).close();
});

test('opening a ledger on a read-only file system is refused', (t) => {
  const folder = makeFolder(t);
  createDatabases().openLedger(join(folder, 'exports.db')).close();
  const mounted = mountReadOnlyView(folder);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  assert.throws(
    () => createDatabases().openLedger(join(mounted.path, 'exports.db')),
    (error) => isExportError(error) && ['DISK_READ_ONLY', 'LEDGER_FAILED'].includes(error.code),
  );
});

test('reads a WAL source without a writer in a read-only folder', (t) => {
  const folder = makeFolder(t);
  writeSource(folder, 'closed');
  const mounted = mountReadOnlyView(folder);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  const source = createDatabases().openSource(join(mounted.path, 'boatlog.db'));
  assert.equal(countIn(source), 1);
  source?.close();
  assert.deepEqual(readdirSync(folder), ['boatlog.db']);
});

test('reads current data from a WAL source with a running writer through a read-only folder', (t) => {
  const folder = makeFolder(t);
  const path = writeSource(folder, 'closed');
  const writer = new DatabaseSync(path);
  t.after(() => writer.close());
  writer.exec('INSERT INTO t VALUES (2)');
  const mounted = mountReadOnlyView(folder);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  const source = createDatabases().openSource(join(mounted.path, 'boatlog.db'));
  assert.equal(countIn(source), 2);
  writer.exec('INSERT INTO t VALUES (3)');
  assert.equal(countIn(source), 3);
  source?.close();
});

test("if a source's writer crashed, reads the source if it may recover it, and otherwise reports an error", (t) => {
  const folder = makeFolder(t);
  const path = writeSource(folder, 'crashed');
  const mounted = mountReadOnlyView(folder);
  if (mounted.kind === 'mounted') {
    t.after(() => mounted.unmount());
    assert.throws(() => createDatabases().openSource(join(mounted.path, 'boatlog.db')));
  }
  const source = createDatabases().openSource(path);
  assert.equal(countIn(source), 1);
  source?.close();
});

test("a source's writer can continue after the source has been read", (t) => {
  const folder = makeFolder(t);
  const path = writeSource(folder, 'closed');
  createDatabases().openSource(path)?.close();
  const writer = new DatabaseSync(path);
  writer.exec('INSERT INTO t VALUES (2)');
  writer.close();
  assert.deepEqual(readdirSync(folder), ['boatlog.db']);
});

test('a transaction throws the error that SQLite reports for the failed step', (t) => {
  const full = Object.assign(new Error('database or disk is full'), {
    code: 'ERR_SQLITE_ERROR',
    errcode: 13,
  });
  const ledger = openLedgerDatabase(join(makeFolder(t), 'exports.db'), (step) => {
    if (step === 'commit') throw full;
  });
  assert.throws(
    () => ledger.transaction(() => ledger.db.exec('CREATE TABLE t (x)')),
    (error) => isExportError(error, 'DISK_FULL') && sqliteCode(error) === 13,
  );
  assert.deepEqual(ledger.db.prepare('SELECT name FROM sqlite_schema').all(), []);
  ledger.close();
});

/** Fills the file system. */
function fill(folder: string): void {
  for (let sizeBytes = 1024 * 1024; sizeBytes >= 1; sizeBytes = Math.floor(sizeBytes / 2))
    for (;;)
      try {
        writeFileSync(join(folder, 'filler'), new Uint8Array(sizeBytes), { flag: 'a' });
      } catch {
        break;
      }
}
