import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type DueFacts,
  describeNextAttempt,
  dueIn,
  foreignAnswerDelay,
  nextAttempt,
  probeDelay,
  RETRY_DELAY_MAX_MS,
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

  it("are logged in the legacy exporter's words, whatever the jitter", () => {
    const lines = [1, 2, 3, 4].map((spent) => describeNextAttempt(plan(spent, undefined, 0.999)));
    assert.deepEqual(lines, [
      'Retry immediately',
      'Retry 1/3 in 5 minutes',
      'Retry 2/3 in 15 minutes',
      'No retry left after 3/3',
    ]);
    assert.equal(describeNextAttempt(plan(1, 20_000)), 'Retry 0/3 in 20 seconds');
  });

  it('wait as long as Retry-After requests, at most an hour and never less than the schedule', () => {
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

describe('when an entry is due', () => {
  const isDueNow = (facts: DueFacts) => dueIn(facts) === 0;
  const wall = fc.integer({ min: 0, max: 4_000_000_000_000 });

  it('is due at its time, and not before', () => {
    assert.equal(dueIn({ attemptsSpent: 1, nowWallMs: 1_000, nextRetryAtWallMs: 61_000 }), 60_000);
    assert.ok(isDueNow({ attemptsSpent: 1, nowWallMs: 61_000, nextRetryAtWallMs: 61_000 }));
  });

  it('never parks an entry, wherever the clock was set', () => {
    fc.assert(
      fc.property(wall, wall, (nowWallMs, nextRetryAtWallMs) => {
        const waitMs = dueIn({ attemptsSpent: 1, nowWallMs, nextRetryAtWallMs });
        assert.ok(waitMs >= 0 && waitMs <= RETRY_DELAY_MAX_MS);
      }),
    );
  });

  it('is due now if its time is further away than any wait allows', () => {
    assert.ok(isDueNow({ attemptsSpent: 1, nowWallMs: 0, nextRetryAtWallMs: RETRY_DELAY_MAX_MS + 1 }));
    assert.ok(!isDueNow({ attemptsSpent: 1, nowWallMs: 0, nextRetryAtWallMs: RETRY_DELAY_MAX_MS }));
    assert.ok(
      isDueNow({ attemptsSpent: 0, nowWallMs: 0, nextRetryAtWallMs: 50 * 60_000 }),
      'no attempt was spent, so no wait applies',
    );
  });

  it('ignores the wall clock for a wait that this run began', () => {
    fc.assert(
      fc.property(wall, wall, (nowWallMs, nextRetryAtWallMs) => {
        const monotonic = { nowMs: 500, dueMs: 800 };
        assert.equal(dueIn({ attemptsSpent: 1, nowWallMs, nextRetryAtWallMs, monotonic }), 300);
      }),
    );
    assert.ok(
      isDueNow({
        attemptsSpent: 1,
        nowWallMs: 0,
        nextRetryAtWallMs: 9,
        monotonic: { nowMs: 800, dueMs: 800 },
      }),
    );
  });
});

describe('waits for a destination', () => {
  it('grow from 5 to 60 seconds between probes', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 1_000].map((failures) => probeDelay(failures, 0) / 1000),
      [5, 10, 20, 40, 60, 60, 60],
    );
    assert.equal(probeDelay(0, 0.999999), 5_500);
    assert.equal(probeDelay(50, 0.9), 60_000);
  });

  it('grow to an hour while foreign answers repeat', () => {
    assert.equal(foreignAnswerDelay(1, 0), 5_000);
    assert.equal(foreignAnswerDelay(5, 0), 80_000);
    assert.equal(foreignAnswerDelay(11, 0.5), RETRY_DELAY_MAX_MS);
    assert.equal(foreignAnswerDelay(10_000, 0.5), RETRY_DELAY_MAX_MS);
  });
});
