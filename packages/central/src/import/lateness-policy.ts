import { SCHEDULED_TIER_MIN } from '@d3kos/protocol';

/**
 * Number of recent silences used for an estimate: two weeks of daily exports, so an unusual fortnight does not affect it for
 * long.
 */
const INTERVALS_KEPT_MAX = 16;

/** Minimum number of silences for an estimate. Until then, a boat with a schedule counts as daily. */
const INTERVALS_MIN = 3;

/**
 * Exports closer together than this count as one arrival, because a boat that was offline sends all waiting exports at once.
 */
const ARRIVAL_MIN_S = 1_800;

/** A longer silence means that the boat was laid up, so it does not show how often the boat exports in season. */
const LAID_UP_S = 90 * 86_400;

/**
 * Share of recent silences that must be no longer than the usual silence. A boat that sails at weekends is silent for five days
 * every week.
 */
const USUAL_SHARE = 0.8;

const DAY_S = 86_400;
/**
 * A boat is late once it has been silent for 1.5 times its usual silence, and for at least this much longer than usual, because a
 * link may be down for a watch.
 */
const GRACE_MIN_S = 6 * 3_600;

/** A boat's rhythm: how often it sends exports. Each import updates it. Times are central's own. */
export interface Rhythm {
  /** The most recent silences between arrivals, in seconds, oldest first. At most INTERVALS_KEPT_MAX. */
  readonly intervals: readonly number[];
  readonly arrivedMs: number | undefined;
}

/** Returns the rhythm after an export has arrived. If central's clock was set back, the rhythm does not change. */
export function addArrival(rhythm: Rhythm, receivedMs: number): Rhythm {
  const { intervals, arrivedMs } = rhythm;
  if (arrivedMs === undefined) return { intervals, arrivedMs: receivedMs };
  const silentS = Math.round((receivedMs - arrivedMs) / 1_000);
  if (silentS < ARRIVAL_MIN_S) return rhythm;
  if (silentS > LAID_UP_S) return { intervals, arrivedMs: receivedMs };
  return { intervals: [...intervals, silentS].slice(-INTERVALS_KEPT_MAX), arrivedMs: receivedMs };
}

/**
 * Returns a boat's usual longest silence, in seconds. Undefined if no export is due, because the boat exports by hand or has
 * neither a schedule nor a rhythm yet.
 */
export function toUsualSilence(intervals: readonly number[], tier: number | undefined): number | undefined {
  if (tier !== undefined && tier < SCHEDULED_TIER_MIN) return undefined;
  if (intervals.length < INTERVALS_MIN) return tier === undefined ? undefined : DAY_S;
  const sorted = intervals.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * USUAL_SHARE) - 1];
}

/** Returns the time at which a boat begins to count as late, given its last contact and its usual silence. */
export function toDueMs(heardMs: number, usualSilenceS: number): number {
  return heardMs + 1_000 * (usualSilenceS + Math.max(usualSilenceS / 2, GRACE_MIN_S));
}
