import type { Cursor } from '../collect/cursor.ts';

/**
 * The failure reason of an entry that the owner cancelled. A cancelled entry needs no notification. Existing ledgers contain this
 * text, so it must not change.
 */
export const CANCELLED_REASON = 'Cancelled by the owner. The next export carries its records';

/**
 * Returns a log's cursor after rewinding a range that began at `from`. It never moves forward. Undefined means the start of the
 * log.
 */
export function lowerCursor(now: Cursor | undefined, from: Cursor | undefined): Cursor | undefined {
  if (now === undefined || from === undefined) return undefined;
  return from.position < now.position ? from : now;
}

/** Minimum time between two requeues of an export that central reported as missing (docs/spec/protocol.md R90). */
const REPORT_PERIOD_MS = 24 * 3_600_000;

/**
 * Returns true if the boat should act on central's report that it lacks an export. Ignores a time in the future, which comes from
 * a wrong clock.
 */
export function isReportDue(lastMs: number | undefined, nowMs: number): boolean {
  return lastMs === undefined || lastMs > nowMs || nowMs - lastMs >= REPORT_PERIOD_MS;
}
