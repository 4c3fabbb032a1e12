import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock, MonotonicMs, WallMs } from '../platform/ports.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import type { DeliveryEvent } from './delivery-event.ts';
import type { ProbeResult } from './outcome.ts';
import type { Verdict } from './policy/verdict.ts';

const NEVER = new AbortController().signal;
const CENTRAL: ProbeResult = { kind: 'central', timeWallMs: undefined, offers: [] };
const NOTHING: ProbeResult = { kind: 'nothing', code: 'ENETUNREACH' };
const unreachable = (destination: 'offline' | 'captive_portal'): Verdict => ({
  kind: 'unreachable',
  destination,
  detail: destination,
});

/** Creates a breaker on a clock that `advance` moves forward. Its probes return `results` in turn. */
function startBreaker(...results: readonly ProbeResult[]) {
  let nowMs = 0;
  // The breaker sleeps only while it waits for a probe, and these probes are answered immediately.
  const clock = {
    wall: () => nowMs as WallMs,
    monotonic: () => nowMs as MonotonicMs,
    sleep: (_, signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
      ),
  } as Clock;
  const events: DeliveryEvent[] = [];
  const breaker = createCircuitBreaker({ clock, random: { fraction: () => 0, hex: () => '' } }, (event) =>
    events.push(event),
  );
  const left = [...results];
  const probe = async () => left.shift() ?? assert.fail('no probe was due');
  return {
    breaker,
    close: () => breaker.tryClose({ probe }, () => Promise.resolve(true), NEVER),
    states: () =>
      events.flatMap((event) => (event.kind === 'destination_changed' ? event.destination.state : [])),
    advance: (delayMs: number) => {
      nowMs += delayMs;
    },
  };
}

test('a closed breaker allows requests without a probe', async () => {
  const { breaker, close } = startBreaker();
  assert.equal(breaker.openForMs(), 0);
  assert.equal(await close(), 0);
});

test('while central is unreachable, the breaker probes every 2 s and closes only when a probe reaches central', async () => {
  const { breaker, close, advance, states } = startBreaker(NOTHING, NOTHING, NOTHING, CENTRAL);
  breaker.recordVerdict(unreachable('offline'));
  const waits: number[] = [];
  for (let probes = 0; probes < 4; probes += 1) {
    assert.ok(breaker.isWaitingForLink());
    advance(breaker.openForMs());
    waits.push(await close());
  }
  assert.deepEqual(waits, [2_000, 2_000, 2_000, 0]);
  assert.equal(breaker.isWaitingForLink(), false);
  assert.deepEqual(states(), ['offline', 'online']);
});

test('a network interface change ends the open time, and the next probe is sent immediately', async () => {
  const { breaker, close } = startBreaker(CENTRAL);
  breaker.recordVerdict(unreachable('offline'));
  assert.ok(breaker.openForMs() > 0);
  breaker.recordNetworkChange();
  assert.equal(breaker.openForMs(), 0);
  assert.equal(await close(), 0);
});

test('sends less and less often to a proxy that refuses all exports, without probes in between', async () => {
  const { breaker, close, advance } = startBreaker();
  const refused: Verdict = { kind: 'refused_on_the_way', detail: 'HTTP 403' };
  const waits: number[] = [];
  for (let sends = 0; sends < 7; sends += 1) {
    breaker.recordVerdict(refused);
    waits.push(breaker.openForMs());
    advance(breaker.openForMs());
    assert.equal(await close(), 0);
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 5_000, 10_000, 20_000]);
  breaker.recordSuccess();
  breaker.recordVerdict(refused);
  assert.equal(breaker.openForMs(), 0, 'a receipt resets the delays');
});

test('"send now" ends a block, and probes a central that was unreachable', async () => {
  const { breaker, close } = startBreaker(CENTRAL);
  breaker.openBlocked({ status: 401, errorCode: 'INVALID_TOKEN', detail: 'HTTP 401' }, 'token 1');
  assert.equal(breaker.openForMs(), 60 * 60_000);
  breaker.reset();
  assert.equal(breaker.openForMs(), 0);
  assert.ok(breaker.isWaitingForLink());
  assert.equal(await close(), 0);
  assert.equal(
    breaker.destination().state,
    'blocked',
    'a probe does not show that central accepts the token',
  );
});
