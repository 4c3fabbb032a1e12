import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  describeNextAttempt,
  isQuickProbe,
  nextAttempt,
  probeDelay,
  refusedSendsPause,
  RETRY_DELAY_MAX_MS,
  refusedPartDelay,
} from './backoff.ts';

const MINUTE_MS = 60_000;

describe('the retries', () => {
  const plan = (attemptsSpent: number, retryAfterMs?: number, fraction = 0) =>
    nextAttempt({ attemptsSpent, retryAfterMs, fraction });

  it('come immediately, after 5 and after 15 minutes, and then the export is dead-lettered', () => {
    const delays = [1, 2, 3].map((spent) => {
      const next = plan(spent);
      return next.kind === 'retry' ? next.delayMs : next.kind;
    });
    assert.deepEqual(delays, [0, 5 * MINUTE_MS, 15 * MINUTE_MS]);
    assert.deepEqual(plan(4), { kind: 'dead_letter' });
  });

  it("are logged in the legacy exporter's words, regardless of the jitter", () => {
    const lines = [1, 2, 3, 4].map((spent) => describeNextAttempt(plan(spent, undefined, 0.999)));
    assert.deepEqual(lines, [
      'Retry immediately',
      'Retry 1/3 in 5 minutes',
      'Retry 2/3 in 15 minutes',
      'No retry left after 3/3',
    ]);
    assert.equal(describeNextAttempt(plan(1, 20_000)), 'Retry 0/3 in 20 seconds');
  });

  it('wait as long as Retry-After requests, but at most an hour and never less than scheduled', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.option(fc.integer({ min: 0, max: 10 * RETRY_DELAY_MAX_MS }), { nil: undefined }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attemptsSpent, retryAfterMs, fraction) => {
          const next = plan(attemptsSpent, retryAfterMs, fraction);
          assert.ok(next.kind === 'retry');
          const planned = [0, 5 * MINUTE_MS, 15 * MINUTE_MS][attemptsSpent - 1] ?? Number.NaN;
          const wanted = Math.min(Math.max(planned, retryAfterMs ?? 0), RETRY_DELAY_MAX_MS);
          assert.ok(next.delayMs >= wanted && next.delayMs <= Math.min(wanted * 1.1 + 1, RETRY_DELAY_MAX_MS));
        },
      ),
    );
  });

  it('end after three: every higher number of attempts dead-letters the export', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 1_000_000 }),
        (attemptsSpent) => plan(attemptsSpent).kind === 'dead_letter',
      ),
    );
  });
});

describe('waits for a destination', () => {
  it('are 2 seconds between probes for two minutes, and then grow to 60 seconds', () => {
    const waits = Array.from({ length: 70 }, (_, probes) => probeDelay(probes, 0) / 1000);
    assert.deepEqual(waits.slice(0, 60), Array(60).fill(2));
    assert.deepEqual(waits.slice(60, 67), [4, 8, 16, 32, 60, 60, 60]);
    assert.equal(probeDelay(0, 0.999999), 2_200);
    assert.equal(probeDelay(5_000, 0.9), 60_000);
    assert.deepEqual([59, 60].map(isQuickProbe), [true, false]);
  });

  it('for a refused export grow from 10 seconds to an hour, or last as long as Retry-After requests', () => {
    const wait = (refusals: number, retryAfterMs?: number, fraction = 0) =>
      refusedPartDelay({ refusals, retryAfterMs, fraction });
    assert.deepEqual(
      [1, 2, 9, 10, 10_000].map((refusals) => wait(refusals)),
      [10_000, 20_000, 2_560_000, RETRY_DELAY_MAX_MS, RETRY_DELAY_MAX_MS],
    );
    assert.deepEqual([wait(1, 90_000), wait(2, 5_000), wait(1, 1e9)], [90_000, 20_000, RETRY_DELAY_MAX_MS]);
    assert.equal(wait(1, undefined, 0.5), 10_500);
  });

  it('begin after five refused sends in a row, and grow to ten minutes', () => {
    assert.deepEqual(
      [1, 4, 5, 6, 11, 12, 10_000].map((times) => refusedSendsPause(times, 0) / 1000),
      [0, 0, 5, 10, 320, 600, 600],
    );
  });
});
