import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { composeDisk, createDisk } from '../platform/disk.ts';
import { createFileSystem } from '../platform/disk-file-system.ts';
import { ExportError } from '../platform/errors.ts';
import type { Clock, Disk, WallMs } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createViewWriter } from './view-writer.ts';

/** Time limit for a stuck test. Writing the views takes a few milliseconds. */
const STUCK_MS = 180_000;

const root = temporaryRoot('view-writer');
const at = (ms: number): WallMs => ms as WallMs;

function openBoat(name: string) {
  const paths = toSpoolPaths(join(root, name));
  mkdirSync(paths.exports, { recursive: true });
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  const deliver = (n: number): void => {
    const exportId = `exp_${n}`;
    const { entryNo } = ledger.queue.enqueue(
      {
        queueId: `q_${n}`,
        exportId,
        exportFile: join(paths.exports, `export_${n}.json`),
        exportType: 'full',
        trigger: 'manual',
        tier: 2,
        sequence: n,
        categoryCount: 9,
        recordCount: 1,
        categories: {},
        fileSizeBytes: 1,
        createdAtMs: at(n),
      },
      [],
    );
    const receipt: Receipt = {
      status: 'success',
      import_id: `import_${n}`,
      export_id: exportId,
      part: { index: 1, count: 1 },
      sha256: 'a'.repeat(64),
      records_imported: {},
      rejected_records: [],
      duplicate: false,
      timestamp: '2026-01-01T00:00:00Z',
    };
    ledger.queue.complete(entryNo, { partIndex: 1, receipt, atMs: at(n), wireSizeBytes: 1 });
  };
  const queueIds = (file: string, list: string): readonly string[] =>
    (JSON.parse(readFileSync(file, 'utf8'))[list] as { queue_id: string }[]).map((row) => row.queue_id);
  return { paths, ledger, deliver, queueIds };
}

/** A longer sleep counts as waiting for an event. */
const PATIENCE_MS = 24 * 3_600_000;

test('both views show every delivery, including the second one', async () => {
  const { paths, ledger, deliver, queueIds } = openBoat('deliveries');
  const views = createViewWriter(
    { clock: createClock(), disk: createDisk(), log: createKeptLog() },
    paths,
    ledger,
  );
  for (const n of [1, 2, 3]) {
    deliver(n);
    await views.flush();
    const expected = Array.from({ length: n }, (_, index) => `q_${index + 1}`);
    assert.deepEqual(queueIds(paths.historyFile, 'exports'), expected);
    assert.deepEqual(queueIds(paths.queueFile, 'completed'), expected);
  }
  ledger.close();
});

test('an export that is delivered immediately causes only one write and one fsync per view', async (t) => {
  const { paths, ledger, deliver, queueIds } = openBoat('counted');
  const fileSystem = createFileSystem();
  const syncs = { files: 0, directories: 0 };
  const disk = composeDisk(
    {
      ...fileSystem,
      create: async (path, readers) => {
        const file = await fileSystem.create(path, readers);
        return {
          ...file,
          sync: async () => {
            syncs.files += 1;
            await file.sync();
          },
        };
      },
      syncDirectory: async (path) => {
        await fileSystem.syncDirectory(path);
        syncs.directories += 1;
      },
    },
    createRandom(),
  );
  const clock = createClock();
  const { promise: second, resolve: passASecond } = Promise.withResolvers<void>();
  /** Number of times that the writer ran out of work. */
  let waits = 0;
  const held: Clock = {
    ...clock,
    sleep: (delayMs, signal) => {
      if (delayMs <= PATIENCE_MS) return second;
      waits += 1;
      return clock.sleep(delayMs, signal);
    },
  };
  const views = createViewWriter({ clock: held, disk, log: createKeptLog() }, paths, ledger);
  const stopping = new AbortController();
  const stopped = assert.rejects(views.run(stopping.signal), (error) => error === stopping.signal.reason);
  t.after(async () => {
    stopping.abort(new Error('the test is done'));
    await stopped;
    ledger.close();
  });
  const untilWaiting = async (times: number): Promise<void> => {
    for (const began = performance.now(); waits < times; await clock.yield())
      assert.ok(performance.now() - began < STUCK_MS, 'the views are written');
  };
  views.changed();
  // The views from an earlier run are replaced without delay.
  await untilWaiting(2);
  assert.deepEqual(syncs, { files: 2, directories: 0 });
  views.changed();
  for (let n = 0; n < 5; n += 1) await clock.yield();
  deliver(1);
  views.changed();
  passASecond();
  await untilWaiting(3);
  assert.deepEqual(syncs, { files: 4, directories: 0 });
  assert.deepEqual(queueIds(paths.queueFile, 'completed'), ['q_1']);
  assert.deepEqual(queueIds(paths.historyFile, 'exports'), ['q_1']);
});

test('a view that could not be written to a full card is written once there is space, without another change', async (t) => {
  const { paths, ledger, deliver, queueIds } = openBoat('full');
  deliver(1);
  const disk = createDisk();
  let refusals = 2;
  const full: Disk = {
    ...disk,
    stage: async (path) => {
      if (refusals === 0) return disk.stage(path);
      refusals -= 1;
      throw new ExportError('DISK_FULL', 'No space left', { op: 'stage', hint: 'Free space.' });
    },
  };
  const clock = createClock();
  const hurried: Clock = {
    ...clock,
    sleep: (delayMs, signal) => clock.sleep(delayMs > PATIENCE_MS ? delayMs : 0, signal),
  };
  const log = createKeptLog();
  const views = createViewWriter({ clock: hurried, disk: full, log }, paths, ledger);
  const stopping = new AbortController();
  const running = views.run(stopping.signal);
  const stopped = assert.rejects(running, (error) => error === stopping.signal.reason);
  t.after(async () => {
    stopping.abort(new Error('the test is done'));
    await stopped;
    ledger.close();
  });
  views.changed();
  // The history is written last.
  for (const began = performance.now(); !existsSync(paths.historyFile); await clock.yield())
    assert.ok(performance.now() - began < STUCK_MS, 'the views are written');
  assert.deepEqual(queueIds(paths.queueFile, 'completed'), ['q_1']);
  assert.equal(log.lines.filter((line) => line.startsWith('warn')).length, 2);
});
