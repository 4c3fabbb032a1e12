import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import type { Disk, WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import { toFailedFile, toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { spoolExport } from '../testing/spooled-export.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createDeadLetters } from './dead-letters.ts';

const root = temporaryRoot('give-up');

let made = 0;
/** Opens a boat with one waiting export. */
async function openBoat() {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  const disk = createDisk();
  const exportFile = join(paths.exports, 'export_1.json');
  const entry = ledger.queue.enqueue(
    {
      queueId: 'q_1',
      exportId: 'exp_1',
      exportFile,
      exportType: 'full',
      trigger: 'manual',
      tier: 2,
      sequence: 1,
      categoryCount: 9,
      recordCount: 1,
      categories: {},
      fileSizeBytes: await spoolExport(disk, exportFile, ['a']),
      createdAtMs: 0 as WallMs,
    },
    [],
  );
  return { paths, ledger, disk, exportFile, entry };
}

test("archives a dead-lettered export's file, and the export cannot be claimed while the file is being moved", async () => {
  const { paths, ledger, disk, exportFile, entry } = await openBoat();
  const onTheWay: (readonly [string, boolean])[] = [];
  const watched: Disk = {
    ...disk,
    move: async (from, to) => {
      await disk.move(from, to);
      onTheWay.push([ledger.queue.get(entry.entryNo)?.status ?? '', deadLetters.isMoving(entry.entryNo)]);
    },
  };
  const deadLetters = createDeadLetters(
    { disk: watched, clock: createClock(), log: createKeptLog() },
    ledger,
    paths,
  );
  const failed = await deadLetters.deadLetter(entry, 'central said no');
  assert.deepEqual(onTheWay, [['pending', true]], 'the file is safe in the archive before the entry fails');
  assert.equal(failed.status, 'failed');
  assert.equal(failed.lastError, 'central said no');
  assert.equal(failed.exportFile, toFailedFile(paths, 'q_1'));
  assert.ok(existsSync(failed.exportFile) && !existsSync(exportFile));
  assert.equal(deadLetters.isMoving(entry.entryNo), false);
  ledger.close();
});

test('if the ledger cannot be changed, the file is moved back, and a later attempt archives it', async () => {
  const { paths, ledger, disk, exportFile, entry } = await openBoat();
  let isBusy = true;
  const busy: Ledger = {
    ...ledger,
    queue: {
      ...ledger.queue,
      fail: (entryNo, why) => {
        if (isBusy) throw new ExportError('LEDGER_FAILED', 'locked', { op: 'write', hint: 'wait' });
        return ledger.queue.fail(entryNo, why);
      },
    },
  };
  const deadLetters = createDeadLetters({ disk, clock: createClock(), log: createKeptLog() }, busy, paths);
  await assert.rejects(deadLetters.deadLetter(entry, 'no'), (error) => isExportError(error, 'LEDGER_FAILED'));
  assert.ok(existsSync(ledger.queue.get(entry.entryNo)?.exportFile ?? ''), 'it can be sent in the meantime');
  assert.equal(existsSync(exportFile), true);
  isBusy = false;
  const failed = await deadLetters.deadLetter(entry, 'no');
  assert.equal(failed.exportFile, toFailedFile(paths, 'q_1'));
  assert.ok(existsSync(failed.exportFile));
  ledger.close();
});

test('fails an export whose file cannot be archived, and leaves the file in place', async () => {
  const { paths, ledger, disk, exportFile, entry } = await openBoat();
  writeFileSync(paths.failed, 'a file where the folder should be');
  const failed = await createDeadLetters(
    { disk, clock: createClock(), log: createKeptLog() },
    ledger,
    paths,
  ).deadLetter(entry, 'no');
  assert.deepEqual([failed.status, failed.exportFile], ['failed', exportFile]);
  assert.ok(existsSync(exportFile));
  ledger.close();
});

test('does not replace a different file with the same name in the archive', async () => {
  const { paths, ledger, disk, exportFile, entry } = await openBoat();
  mkdirSync(paths.failed);
  writeFileSync(toFailedFile(paths, 'q_1'), 'another export');
  const failed = await createDeadLetters(
    { disk, clock: createClock(), log: createKeptLog() },
    ledger,
    paths,
  ).deadLetter(entry, 'no');
  assert.equal(readFileSync(toFailedFile(paths, 'q_1'), 'utf8'), 'another export');
  assert.deepEqual([failed.status, failed.exportFile], ['failed', exportFile]);
  ledger.close();
});
