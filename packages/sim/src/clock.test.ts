import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockContract } from '../../boat/src/platform/contract/clock-contract.ts';
import { createVirtualClock } from './clock.ts';

const START_MS = Date.UTC(2026, 5, 1);

clockContract('virtual', () => {
  const clock = createVirtualClock(START_MS);
  return { clock, settle: clock.settle };
});

clockContract('virtual, for one machine', () => {
  const clock = createVirtualClock(START_MS);
  return { clock: clock.forMachine(0), settle: clock.settle };
});

test('sleeping for a year takes no real time', async () => {
  const clock = createVirtualClock(START_MS);
  const yearMs = 365 * 24 * 3600 * 1000;
  await clock.settle(clock.sleep(yearMs));
  assert.equal(clock.wall(), START_MS + yearMs);
});

test('setting a wall clock affects neither waits nor other machines', async () => {
  const clock = createVirtualClock(START_MS);
  const one = clock.forMachine(0);
  const other = clock.forMachine(START_MS);
  const sleeping = one.sleep(1_000);
  one.setWall(START_MS + 5_000);
  await clock.settle(sleeping);
  assert.equal(one.monotonic(), 1_000);
  assert.equal(one.wall(), START_MS + 6_000);
  assert.equal(other.wall(), START_MS + 1_000);
});

test('time stands still during outside work', async () => {
  const clock = createVirtualClock(START_MS);
  const work = Promise.withResolvers<string>();
  const seen: string[] = [];
  const outside = clock
    .outside('work', work.promise)
    .then((result) => seen.push(`${result} at ${clock.now()}`));
  const sleeping = clock.sleep(10).then(() => seen.push(`slept at ${clock.now()}`));
  setTimeout(() => work.resolve('worked'), 5);
  await clock.settle(Promise.all([outside, sleeping]));
  assert.deepEqual(seen, ['worked at 0', 'slept at 10']);
});

test('waits on a stopped machine never end, even if they are aborted', async () => {
  const clock = createVirtualClock(START_MS);
  const machine = clock.forMachine(START_MS);
  const controller = new AbortController();
  let went = 0;
  const goOn = () => {
    went += 1;
  };
  void machine.sleep(10).then(goOn, goOn);
  void machine.sleep(10, controller.signal).then(goOn, goOn);
  void machine.yield().then(goOn, goOn);
  machine.stop();
  controller.abort();
  void machine.sleep(10, controller.signal).then(goOn, goOn);
  assert.equal(await clock.run(() => went > 0), 'idle');
  await clock.advance(1_000);
  assert.equal(went, 0);
  assert.equal(machine.monotonic(), 0);
  assert.equal(clock.monotonic(), 1_000);
});

test('waiting for a promise that can never settle is an error', async () => {
  const clock = createVirtualClock(START_MS);
  await assert.rejects(clock.settle(new Promise(() => undefined)), /no event is left/);
});

test('`settle` rejects like its promise', async () => {
  const clock = createVirtualClock(START_MS);
  const reason = new Error('no');
  await assert.rejects(clock.settle(clock.sleep(5).then(() => Promise.reject(reason))), reason);
});

test('events fire at their time, in order, unless cancelled', async () => {
  const clock = createVirtualClock(START_MS);
  const seen: string[] = [];
  clock.at(20, () => seen.push(`b ${clock.now()}`));
  clock.at(10, () => seen.push(`a ${clock.now()}`));
  const cancel = clock.at(15, () => seen.push('never'));
  cancel();
  assert.equal(await clock.run(() => false, 15), 'time');
  assert.equal(clock.now(), 15);
  assert.equal(await clock.run(() => false, 30), 'idle');
  assert.deepEqual(seen, ['a 10', 'b 20']);
});
