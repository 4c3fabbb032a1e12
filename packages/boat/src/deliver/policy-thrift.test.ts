import assert from 'node:assert/strict';
import test from 'node:test';
import { decideThrift, describeThrift, type Lane, laneOrder, type Thrift } from './policy.ts';

test('what the owner allows decides what waits, and asking for it overrides', () => {
  const none = { meteredSizeMaxBytes: undefined, monthlyBytesMax: undefined };
  const both = { meteredSizeMaxBytes: 100, monthlyBytesMax: 1_000 };
  const facts = { sizeBytes: 50, isMetered: false, monthBytes: 0, isAskedFor: false };
  const table: readonly (readonly [
    typeof none | typeof both,
    Partial<typeof facts> | { isMetered: undefined },
    Thrift,
  ])[] = [
    [none, { sizeBytes: 1e9, isMetered: true, monthBytes: 1e12 }, 'affordable'],
    [both, {}, 'affordable'],
    [both, { sizeBytes: 100, isMetered: true }, 'affordable'],
    [both, { sizeBytes: 101, isMetered: true }, 'metered'],
    [both, { sizeBytes: 101, isMetered: false }, 'affordable'],
    [both, { sizeBytes: 101, isMetered: undefined }, 'affordable'],
    [both, { monthBytes: 999 }, 'affordable'],
    [both, { monthBytes: 1_000 }, 'over_budget'],
    [both, { sizeBytes: 1e9, isMetered: true, monthBytes: 1e9, isAskedFor: true }, 'affordable'],
  ];
  for (const [allowance, change, expected] of table)
    assert.equal(decideThrift(allowance, { ...facts, ...change }), expected, JSON.stringify(change));
  assert.equal(describeThrift('affordable'), '');
  assert.match(describeThrift('metered'), /Send now/);
});

test('the lane that was not served last goes first', () => {
  const table: readonly (readonly [Lane | undefined, readonly [Lane, Lane]])[] = [
    [undefined, ['small', 'bulk']],
    ['small', ['bulk', 'small']],
    ['bulk', ['small', 'bulk']],
  ];
  for (const [served, expected] of table) assert.deepEqual(laneOrder(served), expected);
});
