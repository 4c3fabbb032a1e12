import { DAY_MS } from './plan-times.ts';
import type { Simulation } from './simulation.ts';

/**
 * Records the days whose daily slot may be claimed while an export is being requested: the boat's current local day, and the day
 * before, whose slot is due until the daily hour. Call this when an export is requested, when the request is answered, and when
 * the clock is set in between.
 */
export function noteDays({ running, dayFormat, daysRequested }: Simulation): void {
  if (running === undefined || running.exportsUnderWay === 0) return;
  const day = dayFormat.format(running.boot.clock.wall());
  // Uses the calendar, because a day with a clock change does not have 24 hours.
  const dayBefore = new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, day.length);
  for (const requested of [day, dayBefore]) daysRequested.add(requested);
}
