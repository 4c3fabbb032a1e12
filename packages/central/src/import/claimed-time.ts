const zonedTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** The range of four-digit ISO 8601 years, 1 to 9999, in milliseconds since 1970. */
const CLAIMED_MIN_MS = -62_135_596_800_000;
const CLAIMED_MAX_MS = 253_402_300_799_999;

/**
 * Returns the time claimed by a record in milliseconds since 1970, or null if it has no zone or no valid date. Central never
 * guesses a time zone.
 */
export function toClaimedMs(value: unknown): number | null {
  if (typeof value !== 'string' || !zonedTime.test(value)) return null;
  const ms = Date.parse(value.replace(' ', 'T'));
  return ms >= CLAIMED_MIN_MS && ms <= CLAIMED_MAX_MS ? ms : null;
}

/** Returns the time of `toClaimedMs` as ISO 8601 in UTC. */
export function toClaimedTime(value: unknown): string | null {
  const ms = toClaimedMs(value);
  return ms === null ? null : new Date(ms).toISOString();
}
