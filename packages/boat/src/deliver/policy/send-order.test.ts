import assert from 'node:assert/strict';
import test, { describe, it } from 'node:test';
import fc from 'fast-check';
import { RETRY_DELAY_MAX_MS } from './backoff.ts';
import { dueIn, findPrecedingEntry, type Lane, laneOrder } from './send-order.ts';

test('the lane not served last goes first', () => {
  const table: readonly (readonly [Lane | undefined, readonly [Lane, Lane]])[] = [
    [undefined, ['small', 'bulk']],
    ['small', ['bulk', 'small']],
    ['bulk', ['small', 'bulk']],
  ];
  for (const [served, expected] of table) assert.deepEqual(laneOrder(served), expected);
});

test('the oldest export from another ledger that has not stepped aside precedes all others', () => {
  const entry = (entryNo: number, refusalCount: number) => ({
    entryNo,
    refusalCount,
    fileSizeBytes: 1,
    retryCount: 0,
    nextRetryAtMs: 0,
  });
  assert.equal(findPrecedingEntry([entry(1, 1), entry(2, 0), entry(3, 0)])?.entryNo, 2);
  assert.equal(findPrecedingEntry([entry(1, 1)]), undefined);
  assert.equal(findPrecedingEntry([]), undefined);
});

describe('when an entry is due', () => {
  const wall = fc.integer({ min: 0, max: 4_000_000_000_000 });
  const waiting = fc.constantFrom({ retryCount: 1, refusalCount: 0 }, { retryCount: 0, refusalCount: 1 });
  const left = (nowWallMs: number, nextRetryAtMs: number, counts = { retryCount: 1, refusalCount: 0 }) =>
    dueIn({ nowWallMs, entry: { nextRetryAtMs, ...counts } });

  it('is due at its time and not before', () => {
    assert.equal(left(1_000, 61_000), 60_000);
    assert.equal(left(61_000, 61_000), 0);
    assert.equal(left(1_000, 61_000, { retryCount: 0, refusalCount: 1 }), 60_000);
  });

  it('never delays an entry indefinitely, no matter how the clock was set', () => {
    fc.assert(
      fc.property(wall, wall, waiting, (nowWallMs, nextRetryAtMs, counts) => {
        const waitMs = left(nowWallMs, nextRetryAtMs, counts);
        assert.ok(waitMs >= 0 && waitMs <= RETRY_DELAY_MAX_MS);
      }),
    );
  });

  it('is due now if its time is further away than the longest possible wait, or if there is no reason to wait', () => {
    assert.equal(left(0, RETRY_DELAY_MAX_MS + 1), 0);
    assert.equal(left(0, RETRY_DELAY_MAX_MS), RETRY_DELAY_MAX_MS);
    assert.equal(left(0, 50 * 60_000, { retryCount: 0, refusalCount: 0 }), 0);
  });

  it('ignores the wall clock for a wait that began in this run', () => {
    fc.assert(
      fc.property(wall, wall, waiting, (nowWallMs, nextRetryAtMs, counts) => {
        const entry = { nextRetryAtMs, ...counts };
        assert.equal(dueIn({ nowWallMs, entry, monotonic: { nowMs: 500, dueMs: 800 } }), 300);
        assert.equal(dueIn({ nowWallMs, entry, monotonic: { nowMs: 800, dueMs: 800 } }), 0);
      }),
    );
  });
});
