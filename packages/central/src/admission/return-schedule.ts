import { toReturnDelay, toServedPerS } from './return-policy.ts';

/** Spreads the returns of refused boats, so that they do not come back at the same time. */
export interface ReturnSchedule {
  /** Counts an import that was stored. */
  noteServed(): void;
  /** `Retry-After` in seconds of an import that this node refuses because of its load or its database. */
  nextReturnS(fraction: number): number;
}

/**
 * Creates the schedule of one node. It is one queue of appointments. Each refused boat gets the next one, and
 * they are as far apart as the time that the node needs for two imports. Half of its capacity stays free for
 * boats that come for the first time. Its memory is three numbers.
 */
export function createReturnSchedule(monotonic: () => number): ReturnSchedule {
  let lastSlotMs = Number.NEGATIVE_INFINITY;
  let rate = { perS: 0, atMs: monotonic() };
  return {
    noteServed() {
      const nowMs = monotonic();
      rate = { perS: toServedPerS(rate.perS, nowMs - rate.atMs, 1), atMs: nowMs };
    },
    nextReturnS(fraction) {
      const nowMs = monotonic();
      const servedPerS = toServedPerS(rate.perS, nowMs - rate.atMs, 0);
      const { slotMs, delayS } = toReturnDelay({ nowMs, lastSlotMs, servedPerS, fraction });
      lastSlotMs = slotMs;
      return delayS;
    },
  };
}
