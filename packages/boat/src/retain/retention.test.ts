import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt, RejectedRecord } from '@d3kos/protocol';
import type { Entry, QueueCounts } from '../ledger/entry.ts';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { Disk, WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toFailedFile, toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { spoolExport } from '../testing/spooled-export.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { findUndelivered } from './find-undelivered.ts';
import { createRetention } from './retention.ts';

const root = temporaryRoot('retention');
const DAY_MS = 24 * 3_600_000;
const at = (ms: number): WallMs => ms as WallMs;

let made = 0;
/** Opens a boat with a card of `cardBytes` and a reserve of `reserveBytes`. */
function openBoat(cardBytes: number, reserveBytes: number) {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  mkdirSync(paths.failed, { recursive: true });
  const realDisk = createDisk();
  /** Called before each file read, to simulate a card fault or a concurrent change. */
  let onRead: ((path: string) => void) | undefined;
  const usedBytes = (): number =>
    [paths.exports, paths.failed]
      .flatMap((folder) => readdirSync(folder).map((name) => statSync(join(folder, name)).size))
      .reduce((sum, size) => sum + size, 0);
  const disk: Disk = {
    ...realDisk,
    space: async () => ({ freeBytes: cardBytes - usedBytes(), totalBytes: cardBytes }),
    readRange: async (path, offset, length) => {
      onRead?.(path);
      return realDisk.readRange(path, offset, length);
    },
  };
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  let nowMs = 0;
  const clock = { ...createClock(), wall: () => at(nowMs) };
  let count = 0;
  const enqueue = async (recordIds: readonly string[]): Promise<Entry> => {
    count += 1;
    const exportFile = join(paths.exports, `export_${count}.json`);
    const exportId = `exp_${count}`;
    return ledger.queue.enqueue(
      {
        queueId: `q_${count}`,
        exportId,
        exportFile,
        exportType: 'full',
        trigger: 'manual',
        tier: 2,
        sequence: count,
        categoryCount: 9,
        recordCount: recordIds.length,
        categories: {},
        fileSizeBytes: await spoolExport(disk, exportFile, recordIds, { export_id: exportId }),
        createdAtMs: at(nowMs),
      },
      [],
    );
  };
  const deliver = (entry: Entry, rejected: readonly RejectedRecord[] = []): Entry => {
    const receipt: Receipt = {
      status: 'success',
      import_id: 'import_1',
      export_id: entry.exportId,
      part: { index: 1, count: 1 },
      sha256: 'a'.repeat(64),
      records_imported: {},
      rejected_records: [...rejected],
      duplicate: false,
      timestamp: '2026-01-01T00:00:00Z',
    };
    return ledger.queue.complete(entry.entryNo, { partIndex: 1, receipt, atMs: at(nowMs), wireSizeBytes: 1 })
      .entry;
  };
  const fail = async (entry: Entry): Promise<Entry> => {
    const archiveFile = toFailedFile(paths, entry.queueId);
    await disk.move(entry.exportFile, archiveFile);
    return ledger.queue.fail(entry.entryNo, { atMs: at(nowMs), reason: 'no', archiveFile });
  };
  const toldCounts: QueueCounts[] = [];
  return {
    ledger,
    enqueue,
    deliver,
    fail,
    retention: createRetention({ clock, disk, log: createKeptLog() }, paths, ledger, reserveBytes, () => {
      toldCounts.push(ledger.queue.counts());
    }),
    toldCounts,
    whenReading: (what: (path: string) => void): void => {
      onRead = what;
    },
    passDays: (days: number): void => {
      nowMs += days * DAY_MS;
    },
  };
}

test('removes delivered files for the reserve, oldest first, and keeps pending and failed exports', async () => {
  const { ledger, retention, enqueue, deliver, fail } = openBoat(10_000, 4_000);
  const failed = await fail(await enqueue(['a']));
  const old = deliver(await enqueue(['b', 'c']));
  const waiting = await enqueue(['d']);
  const newer = deliver(await enqueue(['e', 'f']));
  await retention.ensureReserve();
  assert.deepEqual(
    [failed, old, waiting, newer].map(({ exportFile }) => existsSync(exportFile)),
    [true, false, true, true],
  );
  assert.deepEqual(ledger.queue.counts(), { pending: 1, uploading: 0, completed: 1, failed: 1 });
  assert.equal(ledger.queue.history(10).length, 2, 'the history is kept');
  assert.deepEqual(ledger.queue.losses(), [], 'removing an export that central holds is not a loss');
});

test('refuses exports and removes no other file if removing delivered files is not enough', async () => {
  const { ledger, retention, enqueue, deliver, fail } = openBoat(8_000, 7_000);
  const failed = await fail(await enqueue(['a']));
  const waiting = await enqueue(['b']);
  deliver(await enqueue(['c']));
  await assert.rejects(retention.ensureReserve(), (error) => isExportError(error, 'DISK_RESERVE'));
  assert.ok(existsSync(failed.exportFile) && existsSync(waiting.exportFile));
  assert.deepEqual(ledger.queue.counts(), { pending: 1, uploading: 0, completed: 0, failed: 1 });
});

test('reports each removal to the listener, whichever call caused it', async () => {
  const { retention, enqueue, deliver, passDays, toldCounts } = openBoat(1_000_000, 0);
  deliver(await enqueue(['a']));
  deliver(await enqueue(['b']));
  passDays(31);
  await retention.cleanup();
  assert.deepEqual(
    toldCounts.map(({ completed }) => completed),
    [1, 0],
  );
});

test('removes delivered files after 30 days and not before', async () => {
  const { ledger, retention, enqueue, deliver, passDays } = openBoat(1_000_000, 0);
  const delivered = deliver(await enqueue(['a']));
  passDays(29);
  assert.equal((await retention.cleanup()).completedRemoved, 0);
  assert.ok(existsSync(delivered.exportFile));
  passDays(2);
  assert.equal((await retention.cleanup()).completedRemoved, 1);
  assert.ok(!existsSync(delivered.exportFile));
  assert.equal(ledger.queue.get(delivered.entryNo), undefined);
});

test('removes a failed export after 7 days once later exports delivered its records, and records a loss', async () => {
  const { ledger, retention, enqueue, deliver, fail, passDays } = openBoat(1_000_000, 0);
  const failed = await fail(await enqueue(['a', 'b']));
  deliver(await enqueue(['a']));
  passDays(8);
  assert.equal((await retention.cleanup()).failedKept, 1, 'b is not delivered');
  assert.ok(existsSync(failed.exportFile));
  deliver(await enqueue(['b']));
  assert.equal((await retention.cleanup()).failedRemoved, 1);
  assert.ok(!existsSync(failed.exportFile));
  assert.deepEqual(
    ledger.queue.losses().map(({ what, sizeBytes }) => [what, sizeBytes]),
    [[failed.exportFile, failed.fileSizeBytes]],
  );
});

test('keeps a failed export if central rejected its records or only earlier exports delivered them', async () => {
  const { retention, enqueue, deliver, fail, passDays } = openBoat(1_000_000, 0);
  deliver(await enqueue(['b']));
  const failed = await fail(await enqueue(['a', 'b']));
  deliver(await enqueue(['a']));
  const rejected = { category: 'boatlog', record_id: 'c', reason: 'odd' };
  const alsoFailed = await fail(await enqueue(['c']));
  deliver(await enqueue(['c']), [rejected]);
  passDays(8);
  assert.equal((await retention.cleanup()).failedKept, 2);
  assert.ok(existsSync(failed.exportFile) && existsSync(alsoFailed.exportFile));
});

test('a power cut during the removal of a failed export leaves one recorded loss, and the next cleanup completes the removal', async () => {
  const { ledger, retention, enqueue, deliver, fail, passDays } = openBoat(1_000_000, 0);
  const failed = await fail(await enqueue(['a']));
  const gone = await fail(await enqueue(['b']));
  deliver(await enqueue(['a', 'b']));
  passDays(8);
  // The state after a power cut between removal of the file and removal of its row.
  ledger.queue.beginRemoval(failed.entryNo, { atMs: at(0), reason: 'removed' });
  rmSync(failed.exportFile);
  rmSync(gone.exportFile);
  const report = await retention.cleanup();
  assert.deepEqual(
    [report.failedRemoved, report.failedKept],
    [1, 1],
    'a file that is missing for another reason does not count as an interrupted removal',
  );
  assert.deepEqual(
    ledger.queue.list('failed').map(({ queueId }) => queueId),
    [gone.queueId],
  );
  assert.equal(ledger.queue.losses().length, 1);
});

test('unreadable files prove nothing and do not prevent the cleanup of other files', async () => {
  const { ledger, retention, enqueue, deliver, fail, passDays, whenReading } = openBoat(1_000_000, 0);
  const unreadable = await fail(await enqueue(['a']));
  const proven = await fail(await enqueue(['b']));
  const torn = deliver(await enqueue(['a', 'b']));
  const whole = deliver(await enqueue(['a', 'b']));
  whenReading((path) => {
    if (path === unreadable.exportFile || path === torn.exportFile)
      throw new ExportError('DISK_FAILED', 'the storage failed', { op: 'read', hint: 'replace the card' });
  });
  passDays(31);
  assert.deepEqual(await retention.cleanup(), {
    completedRemoved: 2,
    failedRemoved: 1,
    failedKept: 1,
    freedBytes: proven.fileSizeBytes + torn.fileSizeBytes + whole.fileSizeBytes,
  });
  assert.ok(existsSync(unreadable.exportFile));
  assert.deepEqual(
    ledger.queue.list('failed').map(({ queueId }) => queueId),
    [unreadable.queueId],
  );
});

test('keeps an export that the owner retries while a cleanup examines it, and records no loss', async () => {
  const { ledger, retention, enqueue, deliver, fail, passDays, whenReading } = openBoat(1_000_000, 0);
  const failed = await fail(await enqueue(['a']));
  deliver(await enqueue(['a']));
  passDays(8);
  whenReading((path) => {
    if (path === failed.exportFile && ledger.queue.get(failed.entryNo)?.status === 'failed')
      ledger.queue.requeue(failed.entryNo, at(0));
  });
  const report = await retention.cleanup();
  assert.equal(report.failedRemoved, 0);
  assert.equal(ledger.queue.get(failed.entryNo)?.status, 'pending');
  assert.ok(existsSync(failed.exportFile), 'the retried export needs the file');
  assert.deepEqual(ledger.queue.losses(), []);
});

test("if a power cut interrupts an export's removal and the owner retries the export, its recorded loss is deleted", async () => {
  const { ledger, enqueue, fail } = openBoat(1_000_000, 0);
  const dropped = await fail(await enqueue(['a']));
  const failed = await fail(await enqueue(['b']));
  for (const { entryNo } of [dropped, failed])
    ledger.queue.beginRemoval(entryNo, { atMs: at(0), reason: 'removed' });
  ledger.queue.requeue(failed.entryNo, at(0));
  assert.deepEqual(
    ledger.queue.losses().map(({ what }) => what),
    [dropped.exportFile],
  );
});

test('counts a record whose ID is damaged as undelivered', async () => {
  for (const id of ['\\q', 'a\u0001b', '\\u12']) {
    const { ledger, enqueue } = openBoat(1e9, 0);
    const failed = await enqueue(['1@a', '2@a']);
    const whole = readFileSync(failed.exportFile, 'utf8');
    writeFileSync(
      failed.exportFile,
      whole.replace('1@a', () => id),
    );
    assert.equal(await findUndelivered(createDisk(), createClock(), ledger, failed), 2, id);
  }
});
