import type { Clock, MonotonicMs, WallMs } from '../../platform/ports.ts';

/** An event scheduled on the clock, which runs before the sleeper wakes up. */
export interface Happening {
  readonly atMs: number;
  readonly happen: () => Promise<void> | void;
}

/**
 * A clock for a single sleeper. A sleep takes no real time: it advances the clock and runs the events that are due. Sockets and
 * servers are still real.
 */
export function createSteppedClock(happenings: readonly Happening[] = []): Clock {
  let nowMs = 0;
  const open = [...happenings].sort((a, b) => a.atMs - b.atMs);
  const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    // The brands identify which clock a number was read from. This clock acts as both.
    wall: () => nowMs as WallMs,
    monotonic: () => nowMs as MonotonicMs,
    async sleep(delayMs, signal) {
      signal?.throwIfAborted();
      nowMs += delayMs;
      for (;;) {
        const [next] = open;
        if (next === undefined || next.atMs > nowMs) break;
        open.shift();
        await next.happen();
      }
      await macrotask();
      signal?.throwIfAborted();
    },
    yield: macrotask,
  };
}
