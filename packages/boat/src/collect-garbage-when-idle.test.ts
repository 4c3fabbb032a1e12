import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectGarbageWhenIdle } from './collect-garbage-when-idle.ts';
import { createEvents } from './events.ts';
import { createClock } from './platform/clock.ts';
import type { Clock, MonotonicMs } from './platform/ports.ts';

/** A clock that advances only when `move` is called. */
function createHeldClock(): Clock & { readonly sleeps: number[]; move(byMs: number): Promise<void> } {
  const waiting = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  const sleeps: number[] = [];
  let nowMs = 0;
  return {
    ...createClock(),
    // The brand identifies which clock the number was read from.
    monotonic: () => nowMs as MonotonicMs,
    sleeps,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        sleeps.push(delayMs);
        waiting.add({ atMs: nowMs + delayMs, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    /** Advances the time, resolves the sleeps that are due, and lets their callers continue. */
    move: (byMs) => {
      nowMs += byMs;
      for (const sleeper of waiting)
        if (sleeper.atMs <= nowMs) {
          waiting.delete(sleeper);
          sleeper.wake();
        }
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('collects garbage once after each burst of events, but not during a burst or while idle', async () => {
  const clock = createHeldClock();
  const events = createEvents();
  const stopping = new AbortController();
  let collections = 0;
  const count = (): void => {
    collections += 1;
  };
  const running = collectGarbageWhenIdle(events, clock, count, stopping.signal);
  const event = (): void => events.emit({ kind: 'delivered', queueId: 'q_1' });

  await clock.move(4_999);
  assert.equal(collections, 0);
  await clock.move(1);
  assert.equal(collections, 1, 'collects garbage after the start');

  for (let burst = 2; burst <= 3; burst += 1) {
    assert.equal(clock.sleeps.at(-1), Number.MAX_SAFE_INTEGER, 'no timer runs while the boat is idle');
    await clock.move(1_000_000);
    assert.equal(collections, burst - 1);
    for (let times = 0; times < 3; times += 1) {
      event();
      await clock.move(4_999);
      assert.equal(collections, burst - 1, 'the last event was less than five seconds ago');
    }
    await clock.move(1);
    assert.equal(collections, burst);
    await clock.move(0);
  }

  stopping.abort(new Error('stopping'));
  await assert.rejects(running, /stopping/);
});
