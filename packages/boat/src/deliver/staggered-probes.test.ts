import assert from 'node:assert/strict';
import test from 'node:test';
import type { World } from '../platform/ports.ts';
import type { ProbeResult } from './outcome.ts';
import { probeStaggered } from './staggered-probes.ts';

const NEVER = new AbortController().signal;
const CENTRAL: ProbeResult = { kind: 'central', timeWallMs: undefined, offers: [] };
const NOTHING: ProbeResult = { kind: 'nothing', code: 'ETIMEDOUT' };

/** Creates a clock whose sleeps end when `tick` is called. */
function createSteppedClock() {
  const sleepers = new Set<() => void>();
  const clock = {
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        sleepers.add(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  } as World['clock'];
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const tick = async (): Promise<void> => {
    await settle();
    for (const wake of sleepers) wake();
    sleepers.clear();
    await settle();
  };
  return { clock, tick };
}

const always = (): Promise<boolean> => Promise.resolve(true);

/** Creates a central whose probes the test answers. */
function createHeldProbes() {
  const probes: { readonly answer: (result: ProbeResult) => void; readonly signal: AbortSignal }[] = [];
  const probe = (signal: AbortSignal): Promise<ProbeResult> =>
    new Promise((answer, reject) => {
      probes.push({ answer, signal });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  return { probes, central: { probe } };
}

test('a new probe detects that the link is back even if the first one is still stuck', async () => {
  const { clock, tick } = createSteppedClock();
  const { probes, central } = createHeldProbes();
  const running = probeStaggered(central, clock, always, NEVER);
  await tick();
  await tick();
  assert.equal(probes.length, 3);
  probes[2]?.answer(CENTRAL);
  assert.deepEqual(await running, { result: CENTRAL, probes: 3 });
  assert.ok(
    probes.every(({ signal }) => signal.aborted),
    'no probe is left running',
  );
});

test('a failed probe does not end the others, and the result is the last failure', async () => {
  const { clock, tick } = createSteppedClock();
  const { probes, central } = createHeldProbes();
  const running = probeStaggered(central, clock, always, NEVER);
  await tick();
  probes[0]?.answer(NOTHING);
  await new Promise((resolve) => setImmediate(resolve));
  probes[1]?.answer({ kind: 'nothing', code: 'ENETUNREACH' });
  assert.deepEqual(await running, { result: { kind: 'nothing', code: 'ENETUNREACH' }, probes: 2 });
});

test('at most eight probes run at the same time, and then the first result counts', async () => {
  const { clock, tick } = createSteppedClock();
  const { probes, central } = createHeldProbes();
  const running = probeStaggered(central, clock, always, NEVER);
  for (let ticks = 0; ticks < 12; ticks += 1) await tick();
  assert.equal(probes.length, 8);
  probes[0]?.answer(NOTHING);
  assert.deepEqual(await running, { result: NOTHING, probes: 8 });
});

test('starts no more probes once the tier no longer permits them, and leaves none running', async () => {
  const { clock, tick } = createSteppedClock();
  const { probes, central } = createHeldProbes();
  let isPermitted = true;
  const running = probeStaggered(central, clock, () => Promise.resolve(isPermitted), NEVER);
  await tick();
  assert.equal(probes.length, 2);
  isPermitted = false;
  await tick();
  assert.deepEqual(await running, { result: undefined, probes: 2 });
  assert.equal(probes.length, 2);
  assert.ok(probes.every(({ signal }) => signal.aborted));
});

test('an abort ends every probe', async () => {
  const { clock, tick } = createSteppedClock();
  const { probes, central } = createHeldProbes();
  const stop = new AbortController();
  const running = probeStaggered(central, clock, always, stop.signal);
  await tick();
  stop.abort(new Error('stopping'));
  await assert.rejects(running, /stopping/);
  assert.ok(probes.every(({ signal }) => signal.aborted));
});
