import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import type { Disk, WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toFailedFile, toSpoolPaths } from '../spool/spool-paths.ts';
import { spoolExport } from '../testing/spooled-export.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createGivingUp } from './give-up.ts';

const paths = toSpoolPaths(temporaryRoot('give-up'));

test('an export that is given up keeps its file in the archive, and nobody claims it on the way', async () => {
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
  const onTheWay: (readonly [string, boolean])[] = [];
  const watched: Disk = {
    ...disk,
    move: async (from, to) => {
      await disk.move(from, to);
      onTheWay.push([ledger.queue.get(entry.entryNo)?.status ?? '', givingUp.isUnderWay(entry.entryNo)]);
    },
  };
  const givingUp = createGivingUp({ disk: watched, clock: createClock() }, ledger, paths);
  const failed = await givingUp.giveUp(entry, 'central said no');
  assert.deepEqual(onTheWay, [['pending', true]], 'the file is safe in the archive before the entry fails');
  assert.equal(failed.status, 'failed');
  assert.equal(failed.lastError, 'central said no');
  assert.equal(failed.exportFile, toFailedFile(paths, 'q_1'));
  assert.ok(existsSync(failed.exportFile) && !existsSync(exportFile));
  assert.equal(givingUp.isUnderWay(entry.entryNo), false);
  ledger.close();
});
