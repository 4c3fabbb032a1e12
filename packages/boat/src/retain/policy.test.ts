import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  isFailedRemovable,
  isOlderThan,
  isReserveFree,
  pickDelivered,
  toMegabytesText,
  toReserveBytes,
} from './policy.ts';

const MB = 1024 * 1024;

test('the reserve is the smaller of 500 MB and 3 % of the file system, unless it is configured', () => {
  assert.equal(toReserveBytes(128 * 1024 * MB, undefined), 500 * MB);
  assert.equal(toReserveBytes(1000 * MB, undefined), 30 * MB);
  assert.equal(toReserveBytes(1000 * MB, 7), 7);
  assert.equal(toReserveBytes(1000 * MB, 0), 0);
});

test('only a time before the retention period counts as old, and a future time from a wrong clock does not', () => {
  for (const [labelMs, isOld] of [
    [0, true],
    [999, true],
    [1_000, false],
    [2_000, false],
    [1_000_000, false],
  ] as const)
    assert.equal(isOlderThan(labelMs, 2_000, 1_000), isOld, `label ${labelMs}`);
});

test('removes delivered files oldest first, and no more than necessary', () => {
  const sizes = fc.array(fc.nat(100), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.nat(1_500), (fileSizes, neededBytes) => {
      const delivered = fileSizes.map((fileSizeBytes, age) => ({ fileSizeBytes, age }));
      const picked = pickDelivered(delivered, neededBytes);
      const sum = (of: typeof picked) => of.reduce((total, { fileSizeBytes }) => total + fileSizeBytes, 0);
      assert.deepEqual(picked, delivered.slice(0, picked.length));
      if (picked.length < delivered.length) assert.ok(sum(picked) >= neededBytes);
      if (picked.length > 0) assert.ok(sum(picked.slice(0, -1)) < neededBytes);
    }),
  );
});

test('removes a failed export only if other exports delivered its records, or to complete an interrupted removal', () => {
  for (const [hasFile, isRemovalBegun, undeliveredRecords, isRemovable] of [
    [true, false, 0, true],
    [true, false, 1, false],
    [true, true, 1, false],
    [false, false, 0, false],
    [false, true, 0, true],
  ] as const)
    assert.equal(isFailedRemovable({ hasFile, isRemovalBegun, undeliveredRecords }), isRemovable);
});

test('allows exports while at least the reserve is free', () => {
  assert.equal(isReserveFree(100, 100), true);
  assert.equal(isReserveFree(99, 100), false);
  assert.equal(toMegabytesText(1_999_999), '1 MB');
});
