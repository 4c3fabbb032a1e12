import type { Events } from './events.ts';
import type { Clock } from './platform/ports.ts';
import { createWake } from './platform/wake.ts';

/**
 * Without an event for this long nobody waits for the boat, and the event loop may stand still. Longer than an unused
 * connection to central is kept, so that its buffers go too.
 */
const QUIET_MS = 5_000;

/**
 * Runs until aborted: after each burst of events, and after the start, collects garbage once it is quiet. V8 collects when
 * it allocates: what the last export left would stay for as long as the boat has nothing to do, which is nearly always.
 * No timer runs while nothing happens.
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
