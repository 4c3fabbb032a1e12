import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { RETRY_AFTER_S } from './policy.ts';
import {
  RETRY_AFTER_MAX_S,
  toInstallationFraction,
  toOwnReturnS,
  toQuotaReturnS,
  toReturnDelay,
} from './return-policy.ts';
import { createReturnSchedule } from './return-schedule.ts';

test('never asks a boat to return in less than 10 s, in more than 15 minutes or at a fraction of a second', () => {
  const property = fc.property(
    fc.double({ min: 0, max: 1e9, noNaN: true }),
    fc.double({ min: -1e6, max: 1e7, noNaN: true }),
    fc.double({ min: 0, max: 1e5, noNaN: true }),
    fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    (nowMs, aheadMs, servedPerS, fraction) => {
      const facts = { nowMs, lastReturnMs: nowMs + aheadMs, servedPerS, fraction };
      const { returnMs, delayS } = toReturnDelay(facts);
      assert.ok(
        Number.isInteger(delayS) && delayS >= RETRY_AFTER_S && delayS <= RETRY_AFTER_MAX_S,
        `${delayS}`,
      );
      assert.ok(returnMs >= facts.lastReturnMs);
    },
  );
  fc.assert(property);
});

test('gives boats refused at the same time different return times, at half the rate at which the node stores imports', () => {
  let nowMs = 0;
  const schedule = createReturnSchedule(() => nowMs);
  // 40 imports a second.
  for (; nowMs < 60_000; nowMs += 25) schedule.noteServed();
  const times = Array.from({ length: 1_000 }, () => schedule.nextReturnS(0));
  assert.equal(times[0], RETRY_AFTER_S);
  assert.ok(times.every((time, at) => time >= (times[at - 1] ?? 0)));
  const last = times.at(-1) ?? 0;
  assert.ok(last > 55 && last < 65, `1,000 boats return within ${last} s`);
  nowMs += 120_000;
  assert.equal(schedule.nextReturnS(0), RETRY_AFTER_S, 'all return times have passed');
});

test('spreads a fleet refused while nothing is stored over a quarter of an hour', () => {
  const schedule = createReturnSchedule(() => 0);
  const ids = Array.from({ length: 20_000 }, (_, no) => no.toString(16).padStart(16, '0'));
  const counts = new Map<number, number>();
  for (const id of ids) {
    const time = schedule.nextReturnS(toInstallationFraction(id));
    counts.set(time, (counts.get(time) ?? 0) + 1);
  }
  assert.ok(Math.max(...counts.values()) < 120, `${Math.max(...counts.values())} boats return in one second`);
});

test('gives each installation a fixed position in the spread, and different positions to similar IDs', () => {
  const ids = Array.from({ length: 1_000 }, (_, no) => no.toString(16).padStart(16, '0'));
  const fractions = ids.map(toInstallationFraction);
  assert.deepEqual(fractions, ids.map(toInstallationFraction));
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const here = fractions.filter((fraction) => Math.floor(fraction * 10) === tenth).length;
    assert.ok(here > 50 && here < 150, `${here} of 1,000 in tenth ${tenth}`);
  }
  assert.deepEqual([toOwnReturnS(0), toOwnReturnS(0.99)], [10, 12]);
});

test('spreads the return of boats over their quota across 12 minutes, and makes none wait longer than the hour that it honours', () => {
  const ids = Array.from({ length: 10_000 }, (_, no) => no.toString(16).padStart(16, '0'));
  const times = ids.map((id) => toQuotaReturnS(toInstallationFraction(id)));
  assert.ok(Math.min(...times) >= 48 * 60 && Math.max(...times) <= 60 * 60);
  const counts = new Map<number, number>();
  for (const time of times) counts.set(time, (counts.get(time) ?? 0) + 1);
  assert.ok(Math.max(...counts.values()) < 60, `${Math.max(...counts.values())} boats return in one second`);
});
