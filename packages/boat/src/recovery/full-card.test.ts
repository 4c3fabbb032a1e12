import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createClock } from '../platform/clock.ts';
import { mountSmallFileSystem } from '../platform/contract/small-file-system.ts';
import { createDisk } from '../platform/disk.ts';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { newEntry } from '../testing/new-entry.ts';
import { openLedger } from '../ledger/ledger.ts';
import { openOrQuarantine } from './open-or-quarantine.ts';

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

test('the ledger opens after a restart on a full card, and waiting exports can still be delivered', async (t) => {
  const mounted = mountSmallFileSystem(16 * 1024 * 1024);
  if (mounted.kind === 'unavailable') return t.skip(mounted.reason);
  t.after(() => mounted.unmount());
  const paths = toSpoolPaths(mounted.path);
  const log = { write: () => undefined };
  // The ports needed to open the ledger.
  const world = {
    clock: createClock(),
    random: createRandom(),
    disk: createDisk(),
    databases: createDatabases(),
    log,
  } as unknown as World;
  const first = await openOrQuarantine(world, paths);
  for (let n = 1; n <= 50; n += 1) first.queue.enqueue(newEntry(n), []);
  first.close();
  fill(mounted.path);
  const second = await openOrQuarantine(world, paths);
  for (let n = 1; n <= 50; n += 1) {
    const entry = second.queue.claim(() => true);
    assert.ok(entry !== undefined);
    second.queue.fail(entry.entryNo, { atMs: at(2), reason: 'x'.repeat(100), archiveFile: `/y/${n}` });
    second.queue.forget(entry.entryNo);
  }
  second.close();
  // The card is still full and the ballast file is gone, but its space is enough for the next start as well.
  const third = await openOrQuarantine(world, paths);
  assert.equal(third.queue.counts().failed, 0);
  third.close();
});
