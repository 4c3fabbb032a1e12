import type { Answer } from '@d3kos/boat/api';
import { createDayNumbers } from '../i18n/texts.ts';

/** Number of days in the chart. */
export const MONTH_DAYS = 30;

/** The deliveries of the last 30 days, by calendar day in the boat's time zone, oldest first. */
export interface Month {
  readonly exportCount: number;
  readonly sentBytes: number;
  readonly exportsPerDay: readonly number[];
  readonly bytesPerDay: readonly number[];
  /** False if deliveries of these days may be missing because only part of the history was read. */
  readonly isComplete: boolean;
}

/** Sums the history by day. `limit` is the number of rows that were requested. */
export function toMonth(
  exports: Answer<'history'>['exports'],
  limit: number,
  nowIso: string,
  timeZone: string,
): Month {
  const toDayNumber = createDayNumbers(timeZone);
  const today = toDayNumber(nowIso);
  const exportsPerDay = Array.from({ length: MONTH_DAYS }, () => 0);
  const bytesPerDay = Array.from({ length: MONTH_DAYS }, () => 0);
  let hasOlder = false;
  for (const { completed_at, wire_size_bytes } of exports) {
    const day = MONTH_DAYS - 1 - (today - toDayNumber(completed_at));
    if (day < 0) hasOlder = true;
    // A delivery in the future, caused by a wrong clock, belongs to no day of the chart.
    if (day < 0 || day >= MONTH_DAYS) continue;
    exportsPerDay[day] = (exportsPerDay[day] ?? 0) + 1;
    bytesPerDay[day] = (bytesPerDay[day] ?? 0) + wire_size_bytes;
  }
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    exportCount: sum(exportsPerDay),
    sentBytes: sum(bytesPerDay),
    exportsPerDay,
    bytesPerDay,
    isComplete: hasOlder || exports.length < limit,
  };
}
