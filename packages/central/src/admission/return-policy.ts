import { RETRY_AFTER_S } from './policy.ts';

/** Time over which the rate of stored imports is averaged: longer than the database pauses to write a checkpoint. */
const RATE_WINDOW_S = 10;

/**
 * Lowest rate that the schedule assumes. A node whose database was unavailable has stored nothing for a while, but can store
 * imports again as soon as the database is back.
 */
const SERVED_PER_S_MIN = 5;

/** Share of the node's capacity for returning boats. The rest is for first-time connections. */
const RETURNING_SHARE = 0.5;

/**
 * Longest `Retry-After`. A boat honours up to an hour, but by itself waits only 5 and 15 minutes before its third and fourth
 * attempts, so a longer value would only delay it.
 */
export const RETRY_AFTER_MAX_S = 900;

/** Returns the average rate after another `elapsedMs` in which `served` imports were stored. */
export function toServedPerS(perS: number, elapsedMs: number, served: number): number {
  const kept = Math.exp(-elapsedMs / 1_000 / RATE_WINDOW_S);
  return perS * kept + served / RATE_WINDOW_S;
}

/**
 * Returns the next return time after `lastReturnMs` and the seconds until it. The first is RETRY_AFTER_S away. `fraction` in
 * [0, 1) is fixed for each installation. It lengthens the wait by up to a quarter, and spreads out boats that would otherwise
 * return later than RETRY_AFTER_MAX_S.
 */
export function toReturnDelay({
  nowMs,
  lastReturnMs,
  servedPerS,
  fraction,
}: {
  readonly nowMs: number;
  readonly lastReturnMs: number;
  readonly servedPerS: number;
  readonly fraction: number;
}): { readonly returnMs: number; readonly delayS: number } {
  const distanceMs = 1_000 / (Math.max(servedPerS, SERVED_PER_S_MIN) * RETURNING_SHARE);
  const returnMs = Math.max(nowMs + RETRY_AFTER_S * 1_000, lastReturnMs + distanceMs);
  const waitS = (returnMs - nowMs) / 1_000;
  if (waitS * (1 + SPREAD) <= RETRY_AFTER_MAX_S)
    return { returnMs, delayS: Math.round(spread(waitS, fraction)) };
  // The schedule is full. It does not grow; further boats get times spread over its second half.
  return { returnMs: lastReturnMs, delayS: Math.round((RETRY_AFTER_MAX_S / 2) * (1 + fraction)) };
}

/** Share of a wait that varies between installations. */
const SPREAD = 0.25;

/**
 * `Retry-After` in seconds for a boat that exceeds one of its own limits. Boats that were refused at the same time return at
 * different times.
 */
export function toOwnReturnS(fraction: number): number {
  return Math.round(spread(RETRY_AFTER_S, fraction));
}

/**
 * `Retry-After` in seconds for a boat over its daily quota, which resets at midnight UTC. Boats that were refused together
 * return over a period of 12 minutes. A boat honours at most an hour, so it returns within an hour after midnight.
 */
export function toQuotaReturnS(fraction: number): number {
  return Math.round(spread(QUOTA_RETRY_AFTER_S, fraction));
}

/** Shortest of these waits. With the spread, the longest is one hour. */
const QUOTA_RETRY_AFTER_S = 2_880;

function spread(waitS: number, fraction: number): number {
  return waitS * (1 + SPREAD * fraction);
}

/** Returns a number in [0, 1), derived from an installation's ID and therefore fixed for the installation. */
export function toInstallationFraction(installationId: string): number {
  let mixed = 2_166_136_261;
  for (let at = 0; at < installationId.length; at += 1)
    mixed = Math.imul(mixed ^ installationId.charCodeAt(at), 16_777_619) >>> 0;
  // The low digits of FNV-1a are well mixed, the high ones less so.
  return (mixed % 65_536) / 65_536;
}
