import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { addArrival, toDueMs, toUsualSilence } from './lateness-policy.ts';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

test('a boat with a schedule counts as daily until three silences are known', () => {
  for (const tier of [2, 3]) {
    assert.equal(toUsualSilence([], tier), DAY_S);
    assert.equal(toUsualSilence([5 * DAY_S, 5 * DAY_S], tier), DAY_S);
    assert.equal(toUsualSilence([5 * DAY_S, 5 * DAY_S, 5 * DAY_S], tier), 5 * DAY_S);
  }
});

test('no export is due from a boat without a schedule, or from one whose tier and rhythm are unknown', () => {
  assert.equal(toUsualSilence([DAY_S, DAY_S, DAY_S, DAY_S], 1), undefined);
  assert.equal(toUsualSilence([DAY_S, DAY_S], undefined), undefined);
  assert.equal(toUsualSilence([DAY_S, DAY_S, DAY_S], undefined), DAY_S);
});

test('for a boat that sails at weekends, the usual silence is that during the week', () => {
  const season = [DAY_S, 5 * DAY_S, DAY_S, 6 * DAY_S, DAY_S, 5 * DAY_S, DAY_S, 5 * DAY_S];
  assert.equal(toUsualSilence(season, 2), 5 * DAY_S);
});

test('a boat is late after 1.5 times its usual silence, and no earlier than 6 hours after that silence', () => {
  assert.equal(toDueMs(0, DAY_S), 1.5 * DAY_S * 1_000);
  assert.equal(toDueMs(0, 2 * HOUR_S), 8 * HOUR_S * 1_000);
});

test('exports within half an hour are one arrival, and a boat that was laid up keeps its rhythm', () => {
  const daily = { intervals: [DAY_S], arrivedMs: 0 };
  assert.deepEqual(addArrival({ intervals: [], arrivedMs: undefined }, 5_000), {
    intervals: [],
    arrivedMs: 5_000,
  });
  assert.deepEqual(addArrival(daily, 1_799_000), daily);
  assert.deepEqual(addArrival(daily, 1_800_000), { intervals: [DAY_S, 1_800], arrivedMs: 1_800_000 });
  const spring = 100 * DAY_S * 1_000;
  assert.deepEqual(addArrival(daily, spring), { intervals: [DAY_S], arrivedMs: spring });
  // Central's clock was set back.
  assert.deepEqual(addArrival({ intervals: [], arrivedMs: 9_000 }, 1_000), {
    intervals: [],
    arrivedMs: 9_000,
  });
});
