import assert from 'node:assert/strict';
import test from 'node:test';
import { createMeasurements } from './measurements.ts';
import type { Databases, LedgerDatabase, MonotonicMs } from './platform/ports.ts';

test('counts a commit in every bucket that covers its duration, and does not count a failed commit', () => {
  const durations = [0.5, 30, 6_000];
  let nowMs = 0;
  const ledger = {
    transaction: <T>(work: () => T): T => {
      const result = work();
      nowMs += durations.shift() ?? 0;
      return result;
    },
  } as LedgerDatabase;
  const measurements = createMeasurements();
  const databases = measurements.measureCommits({ openLedger: () => ledger } as unknown as Databases, {
    monotonic: () => nowMs as MonotonicMs,
  });
  const measured = databases.openLedger('x');
  for (let commits = 0; commits < 3; commits += 1)
    assert.equal(
      measured.transaction(() => 7),
      7,
    );
  assert.throws(() =>
    measured.transaction(() => {
      throw new Error('full');
    }),
  );
  const { boundsS, upTo, count, sumS } = measurements.read().commits;
  assert.equal(count, 3);
  assert.equal(Math.round(sumS * 1_000), 6_031);
  assert.deepEqual(Object.fromEntries(boundsS.map((bound, at) => [bound, upTo[at]])), {
    0.001: 1,
    0.005: 1,
    0.01: 1,
    0.025: 1,
    0.05: 2,
    0.1: 2,
    0.25: 2,
    0.5: 2,
    1: 2,
    5: 2,
  });
});

test('counts each send result under its name', () => {
  const measurements = createMeasurements();
  const queueId = 'q';
  measurements.recordDelivery({
    kind: 'part_started',
    queueId,
    partIndex: 1,
    partCount: 2,
    sentBytes: 0,
    leftMs: undefined,
  });
  measurements.recordDelivery({ kind: 'waits_unspent', queueId, reason: 'throttled', detail: '' });
  measurements.recordDelivery({ kind: 'dead_lettered', queueId, reason: '' });
  measurements.recordDelivery({ kind: 'delivered', queueId });
  measurements.recordDelivery({ kind: 'queue_changed' });
  const { outcomes, partsSent } = measurements.read();
  assert.equal(partsSent, 1);
  const counted = Object.entries(outcomes).filter(([, count]) => count > 0);
  assert.deepEqual(counted, [
    ['delivered', 1],
    ['throttled', 1],
    ['failed', 1],
  ]);
});
