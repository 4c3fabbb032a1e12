import type { DeliveredQuarter } from './ledger/history.ts';

/** Number of days to report, including today. */
export const DELIVERED_DAYS = 30;
const DAY_MS = 24 * 3_600_000;

/** Delivery totals for one local calendar day, `YYYY-MM-DD`. */
export interface DeliveredDay {
  readonly date: string;
  readonly exportCount: number;
  readonly recordCount: number;
  readonly wireSizeBytes: number;
}

/**
 * Returns a time range that covers all of the days in any time zone. It extends one day beyond them on each side, because a local
 * day can begin 14 hours before the UTC day or end 12 hours after it.
 */
export function toDeliveredRange(nowMs: number): { readonly fromMs: number; readonly untilMs: number } {
  return { fromMs: nowMs - (DELIVERED_DAYS + 1) * DAY_MS, untilMs: nowMs + DAY_MS };
}

/**
 * Sums deliveries by calendar day in a time zone. Returns DELIVERED_DAYS days, ending with today, with zeros for days without
 * deliveries. Ignores deliveries in the future, which come from a wrong clock. Throws RangeError for an unknown time zone.
 */
export function toDeliveredDays(
  quarters: readonly DeliveredQuarter[],
  nowMs: number,
  timeZone: string,
): readonly DeliveredDay[] {
  // The Swedish locale formats dates as YYYY-MM-DD.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone });
  const toDate = (ms: number): string => format.format(ms);
  const todayMs = Date.parse(`${toDate(nowMs)}T00:00:00Z`);
  const days = Array.from({ length: DELIVERED_DAYS }, (_, index) => ({
    date: new Date(todayMs - (DELIVERED_DAYS - 1 - index) * DAY_MS).toISOString().slice(0, 10),
    exportCount: 0,
    recordCount: 0,
    wireSizeBytes: 0,
  }));
  const byDate = new Map(days.map((day) => [day.date, day]));
  for (const { fromMs, exportCount, recordCount, wireSizeBytes } of quarters) {
    const day = byDate.get(toDate(fromMs));
    if (day === undefined) continue;
    day.exportCount += exportCount;
    day.recordCount += recordCount;
    day.wireSizeBytes += wireSizeBytes;
  }
  return days;
}
