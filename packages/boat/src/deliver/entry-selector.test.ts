import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import test from 'node:test';
import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createEntrySelector } from './entry-selector.ts';

function openLedgerIn(folder: string): Ledger {
  const { exports, ledger } = toSpoolPaths(temporaryRoot(folder));
  mkdirSync(exports, { recursive: true });
  return openLedger(createDatabases().openLedger(ledger), () => '00112233445566ff');
}

const select = (ledger: Ledger, meteredSizeMaxBytes = 10_000) =>
  createEntrySelector({ clock: createClock() }, ledger, {
    partSizeBytes: 16_384,
    dataBudget: { meteredSizeMaxBytes, monthlyBytesMax: undefined },
    isMoving: () => false,
  });

test('a due export that the data budget holds is reported at each selection until the connection is no longer metered', () => {
  const ledger = openLedgerIn('selector-hold');
  const { entryNo } = ledger.queue.enqueue(newEntry(1), []);
  const selector = select(ledger, 50);
  for (let look = 0; look < 3; look += 1) {
    assert.deepEqual(selector.next(true), { entry: undefined, hold: 'metered' });
    assert.equal(selector.nextDueMs(), Number.POSITIVE_INFINITY);
    assert.equal(selector.isSmallDue(), false);
  }
  const { entry, hold } = selector.next(false);
  assert.deepEqual([entry?.entryNo, hold], [entryNo, undefined]);
  ledger.close();
});

test('"send now" sends the exports that are waiting but no later ones', () => {
  const ledger = openLedgerIn('selector-send-now');
  const { entryNo } = ledger.queue.enqueue(newEntry(1), []);
  const selector = select(ledger, 50);
  assert.equal(selector.next(true).hold, 'metered');
  selector.sendAllNow();
  ledger.queue.enqueue(newEntry(2), []);
  assert.equal(selector.next(true).entry?.entryNo, entryNo);
  assert.deepEqual(selector.next(true), { entry: undefined, hold: 'metered' });
  ledger.close();
});

test('an export that is not due yet is not held, whatever the connection costs', () => {
  const ledger = openLedgerIn('selector-not-due');
  const { entryNo } = ledger.queue.enqueue(newEntry(1), []);
  const selector = select(ledger, 50);
  selector.setWait(entryNo, 60_000);
  for (let look = 0; look < 3; look += 1) {
    assert.deepEqual(selector.next(true), { entry: undefined, hold: undefined });
    assert.equal(selector.nextDueMs(), Number.POSITIVE_INFINITY);
  }
  ledger.close();
});

test('while an export of a lost ledger waits, no export behind it is due', () => {
  const ledger = openLedgerIn('selector-foreign');
  const selector = select(ledger);
  ledger.queue.enqueue(newEntry(1), []);
  assert.equal(selector.nextDueMs(), 0);
  const foreign = ledger.queue.adopt(newEntry(2, { sequence: 0 }));
  assert(foreign !== undefined);
  selector.setWait(foreign.entryNo, 60_000);
  assert.equal(selector.next(false).entry, undefined);
  assert(selector.nextDueMs() > 50_000, `${selector.nextDueMs()} ms`);
  ledger.queue.fail(foreign.entryNo, { atMs: 1 as WallMs, reason: 'no', archiveFile: '/x/2' });
  assert.equal(selector.nextDueMs(), 0);
  assert.equal(selector.next(false).entry?.queueId, newEntry(1).queueId);
  ledger.close();
});
