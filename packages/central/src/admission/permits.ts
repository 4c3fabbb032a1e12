import { mayWait } from './policy.ts';

/** A fixed number of permits. */
export interface Permits {
  /**
   * Resolves with true once the caller has a permit. The lowest `rank` is served first, and within a rank the oldest request. If
   * the queue is full, the request with the highest rank, which may be the new one, is refused: its promise resolves with false.
   */
  acquire(rank: () => number): Promise<boolean>;
  release(): void;
  /** True if the queue is full. */
  isFull(): boolean;
  /** Number of callers waiting for a permit. */
  waiting(): number;
}

interface Waiting {
  readonly rank: () => number;
  readonly resolve: (hasPermit: boolean) => void;
}

/** Creates `permitsMax` permits. */
export function createPermits(permitsMax: number): Permits {
  const queue: Waiting[] = [];
  let taken = 0;
  /** Returns the index of the lowest or highest rank, or the first such index if there are several. */
  const find = (isBetter: (rank: number, best: number) => boolean): number => {
    const ranks = queue.map(({ rank }) => rank());
    return ranks.reduce((best, rank, index) => (isBetter(rank, ranks[best] ?? 0) ? index : best), 0);
  };
  return {
    async acquire(rank) {
      if (taken < permitsMax) {
        taken += 1;
        return true;
      }
      if (!mayWait(queue.length, permitsMax)) {
        const worst = find((own, best) => own > best);
        if ((queue[worst]?.rank() ?? 0) <= rank()) return false;
        queue.splice(worst, 1)[0]?.resolve(false);
      }
      return new Promise<boolean>((resolve) => queue.push({ rank, resolve }));
    },
    release() {
      // The permit is passed directly to the next request in the queue, so that no later request can take it.
      const [next] = queue.splice(
        find((own, best) => own < best),
        1,
      );
      if (next === undefined) taken -= 1;
      else next.resolve(true);
    },
    isFull: () => taken >= permitsMax && !mayWait(queue.length, permitsMax),
    waiting: () => queue.length,
  };
}
