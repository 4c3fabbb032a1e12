import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVirtualClock } from '../../../sim/src/clock.ts';
import { createAllowance } from './allowance.ts';

test('an allowance can be used up in one burst, refills evenly, and never exceeds its maximum', async () => {
  const clock = createVirtualClock(0);
  const allowance = createAllowance(clock, 60, 60_000);
  for (let taken = 0; taken < 60; taken += 1) assert.equal(allowance.take(1), true);
  assert.equal(allowance.take(1), false);
  await clock.advance(999);
  assert.equal(allowance.take(1), false);
  await clock.advance(1);
  assert.equal(allowance.take(1), true);
  await clock.advance(3_600_000);
  assert.equal(allowance.take(60), true);
  assert.equal(allowance.take(1), false);
});

test('an amount above the maximum needs a full allowance, so it is possible but rare', async () => {
  const clock = createVirtualClock(0);
  const allowance = createAllowance(clock, 10, 1_000);
  assert.equal(allowance.take(25), true);
  assert.equal(allowance.take(25), false);
  await clock.advance(999);
  assert.equal(allowance.take(25), false);
  await clock.advance(1);
  assert.equal(allowance.take(25), true);
});
