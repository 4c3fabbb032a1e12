import type { Clock, MonotonicMs, WallMs } from '@d3kos/boat';
import { createClock } from '../../packages/boat/src/platform/clock.ts';

/** Returns the machine's clock with a wall clock that can be set. */
export function createSettableClock(isSynchronized: boolean | undefined): {
  readonly clock: Clock;
  set(moment: string): void;
} {
  const real = createClock();
  let set = { wallMs: Number(real.wall()), atMs: performance.now() };
  return {
    clock: {
      ...real,
      wall: () => Math.floor(set.wallMs + performance.now() - set.atMs) as WallMs,
      monotonic: () => performance.now() as MonotonicMs,
      isSynchronized: async () => isSynchronized,
    },
    set: (moment) => {
      set = { wallMs: Date.parse(`${moment.replace(' ', 'T')}Z`), atMs: performance.now() };
    },
  };
}
