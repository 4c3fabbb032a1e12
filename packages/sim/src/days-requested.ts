import { DAY_MS } from './plan-times.ts';
import type { Simulation } from './simulation.ts';

/**
 * Notes the days whose daily slot may be claimed now. While an export is requested these are the day that the boat's clock
 * shows in its zone, and the day before, whose slot is owed until the daily hour. Call this when an export is requested, when it
 * is answered, and when the clock is set in between.
 */
export function noteDays({ running, dayFormat, daysRequested }: Simulation): void {
  if (running === undefined || running.exportsUnderWay === 0) return;
  const day = dayFormat.format(running.boot.clock.wall());
  // By the calendar: where clocks change, a day has not 24 hours.
  const dayBefore = new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, day.length);
  for (const requested of [day, dayBefore]) daysRequested.add(requested);
}
