import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BLOCKED_COUNTS_AFTER_MS,
  type BootDecision,
  type BootPhase,
  type BootSnapshot,
  DRAIN_REPORT_MAX_MS,
  decideBoot,
  describeSkippedTier,
  isBelowSchedule,
  NETWORK_WAIT_MAX_MS,
  toDailyOutcome,
} from './policy.ts';

const waiting: BootSnapshot = { waitingCount: 2, tier: 2, canExport: true, destinationState: 'unknown' };

const bootTable: readonly [
  what: string,
  phase: BootPhase,
  snapshot: Partial<BootSnapshot>,
  elapsedMs: number,
  kind: BootDecision['kind'],
][] = [
  ['no export left to send', 'network', { waitingCount: 0 }, 0, 'drained'],
  ['no export left to send, and no network', 'network', { waitingCount: 0 }, 90_000, 'drained'],
  ['no attempt yet', 'network', {}, 0, 'wait'],
  ['no network yet', 'network', { destinationState: 'offline' }, 59_999, 'wait'],
  [
    'no network at the end of the wait',
    'network',
    { destinationState: 'offline' },
    NETWORK_WAIT_MAX_MS,
    'no_network',
  ],
  ['a captive portal', 'network', { destinationState: 'captive_portal' }, NETWORK_WAIT_MAX_MS, 'no_network'],
  ['a clock that may be set soon', 'network', { destinationState: 'clock_wrong' }, 30_000, 'wait'],
  ['a state from a later version', 'network', { destinationState: 'metered' }, 30_000, 'wait'],
  ['central is reachable', 'network', { destinationState: 'online' }, 3_000, 'reached'],
  ['central returns an error', 'network', { destinationState: 'unavailable' }, 3_000, 'reached'],
  ['a refusal from an earlier attempt', 'network', { destinationState: 'blocked' }, 1_000, 'wait'],
  ['a refusal', 'network', { destinationState: 'blocked' }, BLOCKED_COUNTS_AFTER_MS, 'blocked'],
  ['a tier without exports', 'network', { tier: 0, canExport: false }, 0, 'tier_too_low'],
  [
    'no licence before the tier service starts',
    'network',
    { tier: undefined, canExport: false },
    9_000,
    'wait',
  ],
  [
    'no licence at the end of the wait',
    'network',
    { tier: undefined, canExport: false },
    NETWORK_WAIT_MAX_MS,
    'not_permitted',
  ],
  ['a queue that empties', 'drain', { destinationState: 'online' }, DRAIN_REPORT_MAX_MS - 1, 'wait'],
  ['a link lost during the upload', 'drain', { destinationState: 'offline' }, 100_000, 'wait'],
  [
    'a queue that does not empty',
    'drain',
    { destinationState: 'online' },
    DRAIN_REPORT_MAX_MS,
    'still_waiting',
  ],
  ['an empty queue', 'drain', { waitingCount: 0 }, 10, 'drained'],
  ['a token revoked during the upload', 'drain', { destinationState: 'blocked' }, 6_000, 'blocked'],
];

for (const [what, phase, snapshot, elapsedMs, kind] of bootTable)
  test(`boot, waiting for the ${phase}: ${what} → ${kind}`, () => {
    assert.deepEqual(decideBoot(phase, { ...waiting, ...snapshot }, elapsedMs), { kind });
  });

test('boot always ends, whatever status the export manager reports', () => {
  fc.assert(
    fc.property(
      fc.nat(5),
      fc.option(fc.nat(3), { nil: undefined }),
      fc.boolean(),
      fc.string(),
      (waitingCount, tier, canExport, destinationState) => {
        const snapshot = { waitingCount, tier, canExport, destinationState };
        assert.notEqual(decideBoot('network', snapshot, NETWORK_WAIT_MAX_MS).kind, 'wait');
        assert.ok(!['wait', 'reached'].includes(decideBoot('drain', snapshot, DRAIN_REPORT_MAX_MS).kind));
      },
    ),
  );
});

test('tiers 2 and 3 include scheduled exports, and the export manager decides for an unknown tier', () => {
  assert.deepEqual([0, 1, 2, 3, undefined].map(isBelowSchedule), [true, true, false, false, false]);
  assert.equal(describeSkippedTier(1), 'Scheduled export requires Tier 2+ (current: Tier 1)');
});

const dailyTable: readonly [
  what: string,
  answer: Parameters<typeof toDailyOutcome>[0],
  ReturnType<typeof toDailyOutcome>,
][] = [
  ['queued', { queued: true, queue_id: 'q_1', slot: '2026-11-23' }, { kind: 'queued', queueId: 'q_1' }],
  ['nothing new', { queued: false, slot: '2026-11-23' }, { kind: 'nothing_new' }],
  [
    'a slot that is already claimed',
    { queued: false, skipped: true, slot: '2026-11-23' },
    { kind: 'already_done', slot: '2026-11-23' },
  ],
  ['no slot due', { queued: false, skipped: true, slot: null }, { kind: 'already_done', slot: undefined }],
  [
    'a tier that is too low',
    { queued: false, skipped: true, message: 'too low' },
    { kind: 'skipped', reason: 'too low' },
  ],
];
for (const [what, answer, outcome] of dailyTable)
  test(`the answer to a scheduled export: ${what} → ${outcome.kind}`, () => {
    assert.deepEqual(toDailyOutcome(answer), outcome);
  });
