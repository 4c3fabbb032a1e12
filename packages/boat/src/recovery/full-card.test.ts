import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { createClock } from '../platform/clock.ts';
import { mountSmallFileSystem } from '../platform/contract/small-file-system.ts';
import { createDisk } from '../platform/disk.ts';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { type SpoolPaths, toSpoolPaths } from '../spool/spool-paths.ts';
import { newEntry } from '../testing/new-entry.ts';
import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { BALLAST_BYTES } from '../ledger/spare-pages.ts';
import { examineLedgerFile } from '../doctor/examine-ledger.ts';
import { openOrQuarantine } from './open-or-quarantine.ts';
import { openSound } from './open-sound.ts';

const at = (ms: number): WallMs => ms as WallMs;

function fill(folder: string): void {
  const file = openSync(join(folder, 'filler'), 'w');
  for (const size of [65_536, 4_096, 1])
    for (;;) {
      try {
        if (writeSync(file, Buffer.alloc(size)) === 0) break;
      } catch {
        break;
      }
    }
  closeSync(file);
}

test('200 waiting exports can still be delivered, failed, retried and removed on a full card', (t) => {
  const mounted = mountSmallFileSystem(8 * 1024 * 1024);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  const ledger = openLedger(
    createDatabases().openLedger(join(mounted.path, 'exports.db')),
    () => '0011223344556677',
  );
  for (let n = 1; n <= 200; n += 1) {
    ledger.ensureSparePages();
    ledger.queue.enqueue(newEntry(n), []);
  }
  fill(mounted.path);
  for (let n = 1; n <= 200; n += 1) {
    const entry = ledger.queue.claim(() => true);
    assert.ok(entry !== undefined, `entry ${n}`);
    ledger.queue.putBack(entry.entryNo, {
      spent: 1,
      nextRetryAtMs: at(1),
      lastError: 'x'.repeat(200),
      wireSizeBytes: 1,
      atMs: at(1),
    });
    if (n % 3 === 0) {
      ledger.queue.fail(entry.entryNo, { atMs: at(2), reason: 'no', archiveFile: `/y/${n}` });
      ledger.queue.forget(entry.entryNo);
      continue;
    }
    const receipt = {
      status: 'success' as const,
      import_id: 'import_1',
      export_id: entry.exportId,
      part: { index: 1, count: 1 },
      sha256: 'a'.repeat(64),
      records_imported: { boatlog: 1 },
      rejected_records: [],
      duplicate: false,
      timestamp: '',
    };
    ledger.queue.complete(entry.entryNo, { partIndex: 1, receipt, atMs: at(3), wireSizeBytes: 1 });
  }
  assert.equal(ledger.queue.counts().pending, 0);
  assert.equal(ledger.queue.history(1_000).length, 134);
  assert.throws(
    () => {
      for (let n = 1_000; n < 20_000; n += 1) ledger.queue.enqueue(newEntry(n), []);
    },
    (error) => isExportError(error, 'DISK_FULL'),
  );
});

const MEGABYTE = 1024 * 1024;

/** A card of its own, with the ports needed to open a ledger on it. Skips the test if none can be mounted. */
function insertSmallCard(t: TestContext, sizeBytes: number) {
  const mounted = mountSmallFileSystem(sizeBytes);
  if (mounted.kind === 'unavailable') {
    t.skip(mounted.reason);
    return undefined;
  }
  t.after(() => mounted.unmount());
  const world = {
    clock: createClock(),
    random: createRandom(),
    disk: createDisk(),
    databases: createDatabases(),
    log: { write: () => undefined },
  } as unknown as World;
  const root = mounted.path;
  return { root, world, paths: toSpoolPaths(root), free: () => statfsSync(root).bavail };
}

/** Returns the queue IDs of the pending entries, oldest first. */
const pendingIn = (ledger: Ledger): readonly string[] =>
  ledger.queue.list('pending').map(({ queueId }) => queueId);

test('the ledger opens on a full card without freeing space, and waiting exports can still be delivered', async (t) => {
  const card = insertSmallCard(t, 16 * MEGABYTE);
  if (card === undefined) return;
  const { root, world, paths, free } = card;
  const first = await openOrQuarantine(world, paths);
  for (let n = 1; n <= 50; n += 1) first.queue.enqueue(newEntry(n), []);
  first.close();
  fill(root);
  assert.equal(free(), 0);
  const second = await openOrQuarantine(world, paths);
  // Any freed space could be taken by another program.
  assert.equal(free(), 0);
  assert.equal(failAll(second), 50);
  assert.equal((await examineLedgerFile(world, paths, second)).level, 'ok');
  second.close();
  assert.equal(free(), 0);
  const third = await openOrQuarantine(world, paths);
  assert.equal(third.queue.counts().failed, 0);
  third.close();
  rmSync(join(root, 'filler'));
  (await openOrQuarantine(world, paths)).close();
  assert.equal((await world.disk.stat(paths.ballast))?.sizeBytes, BALLAST_BYTES);
});

test('a start on a full card does not replay commits of an earlier run over later ones', async (t) => {
  const card = insertSmallCard(t, 16 * MEGABYTE);
  if (card === undefined) return;
  const { root, world, paths } = card;
  const run = async (n: number): Promise<readonly string[]> => {
    const ledger = await openOrQuarantine(world, paths);
    ledger.queue.enqueue(newEntry(n), []);
    assert.equal(ledger.quickCheck(), 'ok');
    const pending = pendingIn(ledger);
    ledger.close();
    return pending;
  };
  await run(1);
  for (let round = 0; round < 3; round += 1) {
    fill(root);
    assert.equal((await run(round * 10 + 2)).length, round * 4 + 2);
    rmSync(join(root, 'filler'));
    for (const n of [3, 4, 5]) await run(round * 10 + n);
  }
  fill(root);
  const ledger = await openOrQuarantine(world, paths);
  assert.equal(ledger.quickCheck(), 'ok');
  assert.equal(pendingIn(ledger).length, 13);
  ledger.close();
});

/**
 * Copies the ledger's files from a running boat, as they would be after a power cut. `and its index` also copies the index of the WAL,
 * which survives if only the program crashes.
 */
function copyCrashed(from: SpoolPaths, to: SpoolPaths, left: 'and its index' | 'without its index'): void {
  mkdirSync(to.home, { recursive: true });
  for (const [path, target] of [
    [from.ledger, to.ledger],
    [`${from.ledger}-wal`, `${to.ledger}-wal`],
    ...(left === 'and its index' ? [[`${from.ledger}-shm`, `${to.ledger}-shm`] as const] : []),
    ...(existsSync(from.ballast) ? [[from.ballast, to.ballast] as const] : []),
  ] as const)
    copyFileSync(path, target);
}

/** Fails every pending entry, as delivery does, and removes it. Returns their number. */
function failAll(ledger: Ledger): number {
  for (let failed = 0; ; failed += 1) {
    const entry = ledger.queue.claim(() => true);
    if (entry === undefined) return failed;
    ledger.queue.fail(entry.entryNo, { atMs: at(2), reason: 'x'.repeat(100), archiveFile: '/y' });
    ledger.queue.forget(entry.entryNo);
  }
}

/** The first number of exports makes the WAL smaller than the ballast file, the second one larger. */
const CRASHES = [40, 200].flatMap((exports) =>
  (['and its index', 'without its index'] as const).map((left) => ({ exports, left })),
);
for (const { exports, left } of CRASHES)
  test(`after a crash that left the WAL of ${exports} exports ${left}, the ledger opens on a full card with every commit`, async (t) => {
    const [card, copy] = [insertSmallCard(t, 16 * MEGABYTE), insertSmallCard(t, 16 * MEGABYTE)];
    if (card === undefined || copy === undefined) return;
    const interrupted = await openOrQuarantine(card.world, card.paths);
    for (let n = 1; n <= exports; n += 1) {
      interrupted.ensureSparePages();
      interrupted.queue.enqueue(newEntry(n), []);
    }
    copyCrashed(card.paths, copy.paths, left);
    assert.equal(statSync(`${copy.paths.ledger}-wal`).size >= BALLAST_BYTES, exports > 100);
    interrupted.close();
    fill(copy.root);
    const ledger = await openOrQuarantine(copy.world, copy.paths);
    assert.equal(failAll(ledger), exports);
    ledger.close();
    // The WAL's space is free now, and another program takes it.
    fill(copy.root);
    const again = await openOrQuarantine(copy.world, copy.paths);
    assert.deepEqual(pendingIn(again), []);
    again.close();
  });

test('on a full card, a small WAL that a crash left does not prevent further commits', async (t) => {
  const [card, copy] = [insertSmallCard(t, 16 * MEGABYTE), insertSmallCard(t, 16 * MEGABYTE)];
  if (card === undefined || copy === undefined) return;
  const first = await openOrQuarantine(card.world, card.paths);
  for (let n = 1; n <= 20; n += 1) first.queue.enqueue(newEntry(n), []);
  first.close();
  const interrupted = openLedger(createDatabases().openLedger(card.paths.ledger), () => '');
  interrupted.proveWritable();
  copyCrashed(card.paths, copy.paths, 'without its index');
  interrupted.close();
  assert.ok(statSync(`${copy.paths.ledger}-wal`).size < BALLAST_BYTES / 2);
  fill(copy.root);
  const ledger = await openOrQuarantine(copy.world, copy.paths);
  assert.equal(failAll(ledger), 20);
  ledger.close();
});

test('a full card without a ballast file is reported, and the ledger is unchanged', async (t) => {
  const card = insertSmallCard(t, 16 * MEGABYTE);
  if (card === undefined) return;
  const { root, world, paths } = card;
  const first = await openOrQuarantine(world, paths);
  first.queue.enqueue(newEntry(1), []);
  first.close();
  await world.disk.remove(paths.ballast);
  fill(root);
  const before = readFileSync(paths.ledger);
  await assert.rejects(openOrQuarantine(world, paths), (error) => isExportError(error, 'DISK_FULL'));
  assert.deepEqual(readFileSync(paths.ledger), before);
});

test('examining an open ledger does not release its locks, so no other program can remove its WAL', async (t) => {
  const card = insertSmallCard(t, 16 * MEGABYTE);
  if (card === undefined) return;
  const { world, paths } = card;
  const ledger = await openOrQuarantine(world, paths);
  ledger.queue.enqueue(newEntry(1), []);
  const wal = statSync(`${paths.ledger}-wal`).ino;
  assert.equal((await examineLedgerFile(world, paths, ledger)).level, 'ok');
  const shell = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(process.argv[1]);
    db.prepare('SELECT count(*) FROM sqlite_schema').get(); db.close();`;
  execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', shell, paths.ledger]);
  assert.equal(statSync(`${paths.ledger}-wal`, { throwIfNoEntry: false })?.ino, wal);
  ledger.close();
});

test('a ledger of a newer version is closed, so that a second attempt to open it is not locked out', async (t) => {
  const card = insertSmallCard(t, 16 * MEGABYTE);
  if (card === undefined) return;
  const { world, paths } = card;
  (await openOrQuarantine(world, paths)).close();
  const db = new DatabaseSync(paths.ledger);
  db.exec('PRAGMA user_version = 1000');
  db.close();
  for (const ballast of [undefined, paths.ballast])
    assert.throws(
      () => openSound(world, paths, ballast),
      (error) => isExportError(error, 'LEDGER_TOO_NEW'),
    );
  assert.equal(existsSync(`${paths.ledger}-wal`), false);
});
