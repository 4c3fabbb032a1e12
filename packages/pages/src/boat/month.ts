import type { Answer } from '@d3kos/boat/api';

/** The deliveries of the last 30 days by calendar day in the boat's time zone, oldest first. */
export interface Month {
  readonly exportCount: number;
  readonly sentBytes: number;
  readonly exportsPerDay: readonly number[];
  readonly bytesPerDay: readonly number[];
}

/** Adds up the days. */
export function toMonth({ days }: Answer<'historyDays'>): Month {
  const exportsPerDay = days.map(({ export_count }) => export_count);
  const bytesPerDay = days.map(({ wire_size_bytes }) => wire_size_bytes);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return { exportCount: sum(exportsPerDay), sentBytes: sum(bytesPerDay), exportsPerDay, bytesPerDay };
}
