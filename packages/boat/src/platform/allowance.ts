import type { Clock } from './ports.ts';

/** An allowance that may be used up in a burst and refills evenly. */
export interface Allowance {
  /** Uses `amount` and returns true, or returns false and uses nothing. An amount above the maximum needs a full allowance. */
  take(amount: number): boolean;
}

/** Creates a full allowance of `max` that refills completely within `periodMs` of monotonic time. */
export function createAllowance(clock: Clock, max: number, periodMs: number): Allowance {
  let left = max;
  let atMs = clock.monotonic();
  return {
    take(amount) {
      const nowMs = clock.monotonic();
      left = Math.min(max, left + ((nowMs - atMs) * max) / periodMs);
      atMs = nowMs;
      if (left < Math.min(amount, max)) return false;
      left = Math.max(0, left - amount);
      return true;
    },
  };
}
