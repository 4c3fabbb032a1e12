import { toReturnDelay, toServedPerS } from './return-policy.ts';

/** Spreads the returns of refused boats, so that they do not come back at the same time. */
export interface ReturnSchedule {
  /** Counts an import that was stored. */
  noteServed(): void;
  /** Returns `Retry-After` in seconds for an import that this node refuses because of its load or its database. */
  nextReturnS(fraction: number): number;
}

/**
 * Creates a node's schedule. It is a sequence of return times, and each refused boat gets the next one. Between two return times
 * the node can store two imports, so half of its capacity stays free for first-time connections. The schedule holds only three
 * numbers.
 */
export function createReturnSchedule(monotonic: () => number): ReturnSchedule {
  let lastReturnMs = Number.NEGATIVE_INFINITY;
  let rate = { perS: 0, atMs: monotonic() };
  return {
    noteServed() {
      const nowMs = monotonic();
      rate = { perS: toServedPerS(rate.perS, nowMs - rate.atMs, 1), atMs: nowMs };
    },
    nextReturnS(fraction) {
      const nowMs = monotonic();
      const servedPerS = toServedPerS(rate.perS, nowMs - rate.atMs, 0);
      const { returnMs, delayS } = toReturnDelay({ nowMs, lastReturnMs, servedPerS, fraction });
      lastReturnMs = returnMs;
      return delayS;
    },
  };
}
