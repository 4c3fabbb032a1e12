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

test('reports a held due export at each selection until the connection is no longer metered', () => {
  const ledger = openLedgerIn('selector-hold');
  const { entryNo } = ledger.queue.enqueue(newEntry(1), []);
  const bulk = ledger.queue.enqueue(newEntry(2, { fileSizeBytes: 20_000 }), []);
  const selector = select(ledger, 50);
  for (let look = 0; look < 3; look += 1) {
    assert.deepEqual(selector.next(true), { entry: undefined, hold: 'metered' });
    assert.equal(selector.nextDueMs(), Number.POSITIVE_INFINITY);
    assert.equal(selector.mustYield(bulk), false);
  }
  const { entry, hold } = selector.next(false);
  assert.deepEqual([entry?.entryNo, hold], [entryNo, undefined]);
  ledger.close();
});

test('"send now" sends the exports waiting at that time, but no later ones', () => {
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

test('an export that is not due yet is not on hold, whatever the connection', () => {
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

test('while an export of a lost ledger is waiting, no export behind it is due', () => {
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

test('a large export of a lost ledger is sent over a metered connection, because all others wait for it', () => {
  const ledger = openLedgerIn('selector-foreign-metered');
  const selector = select(ledger, 50);
  const foreign = ledger.queue.adopt(newEntry(1, { sequence: 0, fileSizeBytes: 20_000 }));
  const small = ledger.queue.enqueue(newEntry(2, { fileSizeBytes: 10 }), []);
  const large = ledger.queue.enqueue(newEntry(3, { fileSizeBytes: 20_000 }), []);
  assert.equal(selector.next(true).entry?.entryNo, foreign?.entryNo);
  assert.equal(selector.next(true).entry?.entryNo, small.entryNo);
  assert.deepEqual(selector.next(true), { entry: undefined, hold: 'metered' });
  assert.equal(selector.next(false).entry?.entryNo, large.entryNo);
  ledger.close();
});

const REFUSED = { lastError: 'HTTP 403', wireSizeBytes: 0, atMs: 0 as WallMs, nextRetryAtMs: 0 as WallMs };

test('an export that steps aside does not delay others, even if it comes from another ledger', () => {
  for (const sequence of [1, 0]) {
    const ledger = openLedgerIn(`selector-aside-${sequence}`);
    const selector = select(ledger);
    const refused = ledger.queue.adopt(newEntry(1, { sequence }));
    assert(refused !== undefined);
    const other = ledger.queue.enqueue(newEntry(2), []);
    assert.equal(selector.next(false).entry?.entryNo, refused.entryNo);
    selector.setWait(refused.entryNo, 60_000);
    ledger.queue.putBack(refused.entryNo, { ...REFUSED, refusals: 1 });
    assert.equal(selector.nextDueMs(), 0);
    assert.equal(selector.next(false).entry?.entryNo, other.entryNo);
    assert.equal(selector.next(false).entry, undefined);
    ledger.close();
  }
});

test('"send now" ends delays from this run and from earlier ones', () => {
  const ledger = openLedgerIn('selector-ends-waits');
  const inHalfAnHour = (Date.now() + 30 * 60_000) as WallMs;
  for (const n of [1, 2, 3]) {
    ledger.queue.enqueue(newEntry(n), []);
    const counts = n === 1 ? { spent: 2 } : { refusals: 3 };
    ledger.queue.putBack(n, { ...REFUSED, nextRetryAtMs: inHalfAnHour, ...counts });
  }
  const selector = select(ledger);
  selector.setWait(3, 60_000);
  assert.equal(selector.next(false).entry, undefined);
  selector.sendAllNow();
  assert.equal(selector.nextDueMs(), 0);
  assert.deepEqual(
    [1, 2, 3].map(() => selector.next(false).entry?.entryNo),
    [1, 2, 3],
  );
  assert.deepEqual([ledger.queue.get(1)?.retryCount, ledger.queue.get(2)?.refusalCount], [2, 3]);
  ledger.close();
});
