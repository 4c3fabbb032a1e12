export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Formats virtual time in human-readable form: `2d 03:04:05.678`. */
export function toTime(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  return `${days}d ${new Date(ms % DAY_MS).toISOString().slice(11, 23)}`;
}
