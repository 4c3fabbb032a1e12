import type { Events } from './events.ts';
import type { Clock } from './platform/ports.ts';
import { createWake } from './platform/wake.ts';

/**
 * Time without an event after which no client is waiting, so the event loop may block. It is longer than an unused connection
 * to central stays open, so that the buffers of the connection are collected too.
 */
const QUIET_MS = 5_000;

/**
 * Collects garbage once after the start and once after each burst of events, until aborted. V8 collects only while it
 * allocates, so the garbage of the last export would stay while the boat is idle, which it is nearly always. No timer runs
 * between bursts. Saves 6 to 10 MB of idle memory; remove it when the idle daemon stays below 90 MB without it
 * (decision 0023).
 */
export async function collectGarbageWhenIdle(
  events: Events,
  clock: Clock,
  collectGarbage: () => void,
  signal: AbortSignal,
): Promise<never> {
  const wake = createWake();
  let happenedMs = clock.monotonic();
  let isDue = true;
  const unsubscribe = events.subscribe(() => {
    happenedMs = clock.monotonic();
    isDue = true;
    wake.wake();
  });
  try {
    for (;;) {
      while (isDue) {
        const leftMs = happenedMs + QUIET_MS - clock.monotonic();
        if (leftMs > 0) await clock.sleep(leftMs, signal);
        else {
          isDue = false;
          collectGarbage();
        }
      }
      await wake.wait(clock, Number.MAX_SAFE_INTEGER, signal);
    }
  } finally {
    unsubscribe?.();
  }
}
