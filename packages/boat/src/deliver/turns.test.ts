import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import test from 'node:test';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createTurns } from './turns.ts';

const paths = toSpoolPaths(temporaryRoot('turns'));

test('what an export waits for is told once, however often the queue is looked at', () => {
  mkdirSync(paths.exports, { recursive: true });
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  const { entryNo } = ledger.queue.enqueue(
    {
      queueId: 'q_1',
      exportId: 'exp_1',
      exportFile: `${paths.exports}/export_1.json`,
      exportType: 'full',
      trigger: 'manual',
      tier: 2,
      sequence: 1,
      categoryCount: 9,
      recordCount: 1,
      categories: {},
      fileSizeBytes: 5_000,
      createdAtMs: 0 as WallMs,
    },
    [],
  );
  const log = createKeptLog();
  const turns = createTurns({ clock: createClock(), log }, ledger, {
    partSizeBytes: 16_384,
    allowance: { meteredSizeMaxBytes: 1_000, monthlyBytesMax: undefined },
    isTaken: () => false,
  });
  for (let look = 0; look < 3; look += 1) {
    assert.equal(turns.claim(true), undefined);
    assert.equal(turns.thrift(), 'metered');
    turns.nextDueMs();
  }
  assert.equal(log.lines.length, 1);
  assert.equal(turns.claim(false)?.entryNo, entryNo);
  ledger.queue.unclaim(entryNo);
  for (let look = 0; look < 3; look += 1) turns.claim(true);
  assert.equal(log.lines.length, 2, 'the next hold is told again');
  ledger.close();
});
