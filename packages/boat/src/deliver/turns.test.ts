import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import test from 'node:test';
import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createTurns } from './turns.ts';

function openLedgerIn(folder: string): Ledger {
  const { exports, ledger } = toSpoolPaths(temporaryRoot(folder));
  mkdirSync(exports, { recursive: true });
  return openLedger(createDatabases().openLedger(ledger), () => '00112233445566ff');
}

test('what an export waits for is told once, however often the queue is looked at', () => {
  const ledger = openLedgerIn('turns-told');
  const { entryNo } = ledger.queue.enqueue(newEntry(1), []);
  const log = createKeptLog();
  const turns = createTurns({ clock: createClock(), log }, ledger, {
    partSizeBytes: 16_384,
    allowance: { meteredSizeMaxBytes: 50, monthlyBytesMax: undefined },
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

test('of an export that is not due yet nothing is told, whatever the connection costs', () => {
  const ledger = openLedgerIn('turns-not-due');
  const { entryNo } = ledger.queue.enqueue(newEntry(1), []);
  const log = createKeptLog();
  const turns = createTurns({ clock: createClock(), log }, ledger, {
    partSizeBytes: 16_384,
    allowance: { meteredSizeMaxBytes: 50, monthlyBytesMax: undefined },
    isTaken: () => false,
  });
  turns.setWait(entryNo, 60_000);
  for (let look = 0; look < 3; look += 1) {
    assert.equal(turns.claim(true), undefined);
    assert.equal(turns.nextDueMs(), Number.POSITIVE_INFINITY);
    assert.equal(turns.thrift(), 'affordable');
  }
  assert.deepEqual(log.lines, []);
  ledger.close();
});

test('while an export of a lost ledger waits, nothing behind it is called due', () => {
  const ledger = openLedgerIn('turns-foreign');
  const turns = createTurns({ clock: createClock(), log: createKeptLog() }, ledger, {
    partSizeBytes: 16_384,
    allowance: { meteredSizeMaxBytes: 10_000, monthlyBytesMax: undefined },
    isTaken: () => false,
  });
  ledger.queue.enqueue(newEntry(1), []);
  assert.equal(turns.nextDueMs(), 0);
  const foreign = ledger.queue.adopt(newEntry(2, { sequence: 0 }));
  assert(foreign !== undefined);
  turns.setWait(foreign.entryNo, 60_000);
  assert.equal(turns.claim(false), undefined);
  assert(turns.nextDueMs() > 50_000, `${turns.nextDueMs()} ms`);
  ledger.queue.fail(foreign.entryNo, { atMs: 1 as WallMs, reason: 'no', archiveFile: '/x/2' });
  assert.equal(turns.nextDueMs(), 0);
  assert.equal(turns.claim(false)?.queueId, newEntry(1).queueId);
  ledger.close();
});
