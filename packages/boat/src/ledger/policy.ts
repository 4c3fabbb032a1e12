import type { Cursor } from '../collect/cursor.ts';

/**
 * The reason of an entry that the owner cancelled. The owner already knows about it, so no notification is
 * needed.
 */
export const CANCELLED_REASON = 'Cancelled by the owner. The next export carries its records';

/**
 * Returns the cursor of a log after a range that began at `from` was rewound. It never moves forward.
 * Undefined is the start of the log, before every cursor.
 */
export function lowerCursor(now: Cursor | undefined, from: Cursor | undefined): Cursor | undefined {
  if (now === undefined || from === undefined) return undefined;
  return from.position < now.position ? from : now;
}

/** Minimum time between two requeues of an export that central reported as missing (docs/spec/protocol.md R90). */
const REPORT_PERIOD_MS = 24 * 3_600_000;

/**
 * True if the boat acts on a report that central lacks an export. A time in the future comes from a wrong clock and is ignored.
 */
export function isReportDue(lastMs: number | undefined, nowMs: number): boolean {
  return lastMs === undefined || lastMs > nowMs || nowMs - lastMs >= REPORT_PERIOD_MS;
}
