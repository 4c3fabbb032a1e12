import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chooseEviction,
  DEFAULT_IMPORT_LIMITS,
  isSlow,
  judgeAdmission,
  judgeHold,
  mayWait,
  toDecayedMs,
  toImportAdmissionLimits,
  toNextWindow,
} from './policy.ts';

const limits = toImportAdmissionLimits({
  ...DEFAULT_IMPORT_LIMITS,
  importsMax: 4,
  installationImportsMax: 2,
  bodySizeMaxBytes: 1_000,
});

test('never admits a request beyond a limit, and names the limit that it would exceed', () => {
  const property = fc.property(fc.boolean(), fc.nat(4), fc.nat(60_000), (isQueueFull, requests, spentMs) => {
    const verdict = judgeAdmission({ isQueueFull, installationRequests: requests, spentMs }, limits);
    assert.equal(verdict === 'admitted', !isQueueFull && requests < 2 && spentMs < 30_000);
    assert.equal(verdict === 'installation_busy', requests >= 2);
    assert.equal(verdict === 'installation_over_budget', requests < 2 && spentMs >= 30_000);
  });
  fc.assert(property);
});

test('lets four requests wait for each permit, and gives half of the permits to large bodies', () => {
  assert.deepEqual([limits.permitsMax, limits.heavyPermitsMax], [2, 2]);
  assert.equal(mayWait(7, 2), true);
  assert.equal(mayWait(8, 2), false);
});

test('limits the bytes in memory to one body of maximum size per concurrent import, and to one such body per installation', () => {
  assert.equal(judgeHold({ total: 3_000, installation: 0 }, 1_000, limits), undefined);
  assert.equal(judgeHold({ total: 3_000, installation: 0 }, 1_001, limits), 'installation_busy');
  assert.equal(judgeHold({ total: 3_500, installation: 0 }, 501, limits), 'node_busy');
  assert.equal(judgeHold({ total: 600, installation: 600 }, 401, limits), 'installation_busy');
});

test("reduces CPU time at the rate of the budget's share, but never below zero", () => {
  const budget = { burstMs: 30_000, share: 0.25 };
  assert.equal(toDecayedMs(1_000, 2_000, budget), 500);
  assert.equal(toDecayedMs(1_000, 5_000, budget), 0);
});

test('counts an upload as slow only after a complete window below the minimum speed', () => {
  const started = { startMs: 0, sizeBytes: 32_000_000, wasSlow: false };
  assert.equal(isSlow(started, 14_999), false);
  // It sent 32 MB at once and has been silent since.
  const dripping = toNextWindow(started, 1, 20_000);
  assert.equal(isSlow(dripping, 20_001), false);
  assert.equal(isSlow(dripping, 35_000), true);
  assert.equal(isSlow(toNextWindow(dripping, 1, 35_000), 35_001), true);
  // 8 KiB/s, as on a satellite link.
  assert.equal(isSlow({ startMs: 0, sizeBytes: 15 * 8_192, wasSlow: false }, 15_000), false);
});

test('evicts the slow upload that holds the most bytes, or none if every upload is fast', () => {
  const slow = { startMs: 0, sizeBytes: 10, wasSlow: false };
  const fast = { startMs: 0, sizeBytes: 10_000_000, wasSlow: false };
  const uploads = [
    { heldBytes: 5, window: slow },
    { heldBytes: 900, window: fast },
    { heldBytes: 50, window: slow },
  ];
  assert.equal(chooseEviction(uploads, 20_000), uploads[2]);
  assert.equal(chooseEviction([{ heldBytes: 900, window: fast }], 20_000), undefined);
});
