import assert from 'node:assert/strict';
import test from 'node:test';
import { type Lane, laneOrder } from './lane.ts';

test('the lane that was not served last goes first', () => {
  const table: readonly (readonly [Lane | undefined, readonly [Lane, Lane]])[] = [
    [undefined, ['small', 'bulk']],
    ['small', ['bulk', 'small']],
    ['bulk', ['small', 'bulk']],
  ];
  for (const [served, expected] of table) assert.deepEqual(laneOrder(served), expected);
});
