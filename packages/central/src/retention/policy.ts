/** Kinds of rows that are pruned by age. */
export const PRUNED_KINDS = ['receipts', 'telemetry', 'audit', 'usage'] as const;
export type PrunedKind = (typeof PRUNED_KINDS)[number];

/** Number of days for which rows of each kind are kept. */
export type Retention = Readonly<Record<PrunedKind, number>>;

/**
 * How long rows are kept by default:
 * - receipts: a boat that was laid up for a season and then repeats a part still gets the original receipt.
 * - telemetry: two seasons can be compared.
 * - audit: an incident that is noticed a season later can be explained.
 * - usage: a boat's usage can be compared between quarters. A quota needs only the current day.
 */
export const DEFAULT_RETENTION: Retention = { receipts: 400, telemetry: 730, audit: 730, usage: 180 };

/** Minimum number of days for any kind. With less, a boat that is offline for weeks would lose receipts that it still needs. */
export const RETENTION_DAYS_MIN = 60;

/** Maximum number of days for any kind. */
export const RETENTION_DAYS_MAX = 36_500;

/** Milliseconds in a day. */
const DAY_MS = 86_400_000;

/** Returns the time before which rows are pruned. */
export function toCutoffMs(wallMs: number, days: number): number {
  return wallMs - days * DAY_MS;
}
