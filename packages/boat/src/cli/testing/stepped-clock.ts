import type { Clock, MonotonicMs, WallMs } from '../../platform/ports.ts';

/** Something that happens when the clock reaches a moment, before the sleeper wakes. */
export interface Happening {
  readonly atMs: number;
  readonly happen: () => Promise<void> | void;
}

/**
 * A clock for one sleeper, whose sleeps take no time: each moves it on and lets happen what is due. Sockets and servers
 * beside it are real.
 */
export function createSteppedClock(happenings: readonly Happening[] = []): Clock {
  let nowMs = 0;
  const open = [...happenings].sort((a, b) => a.atMs - b.atMs);
  const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    // The brands say which clock a number was read from; this is both.
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
