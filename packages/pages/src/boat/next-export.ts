import type { Answer } from '@d3kos/boat/api';
import type { Texts } from '../i18n/texts.ts';
import type { PageState } from './state.ts';

/** Returns the time of the next daily export, or undefined if this boat has none. */
export function toNextExportMoment({ status, heardAt }: PageState, texts: Texts): string | undefined {
  const at = status === undefined || heardAt === undefined ? undefined : toNextExportAt(status, heardAt);
  return at === undefined || heardAt === undefined ? undefined : texts.moment(at, heardAt);
}

/** Searching minute by minute covers zones with an offset of 15 or 45 minutes. */
const STEP_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** The lowest tier with daily exports, as in the protocol, whose import would add all schemas to the page. */
export const SCHEDULED_TIER_MIN = 2;

/**
 * Returns the next time at which the boat's local time reaches the hour of the daily export, or undefined if the boat has no
 * daily export.
 */
export function toNextExportAt({ schedule, tier }: Answer<'status'>, nowIso: string): string | undefined {
  if (tier === null || tier < SCHEDULED_TIER_MIN || schedule.owed_slot !== null) return undefined;
  const clock = toHourClock(schedule.timezone);
  const fromMs = Math.ceil(Date.parse(nowIso) / STEP_MS) * STEP_MS;
  for (let minute = 0; minute <= DAY_MINUTES; minute += 1) {
    const at = new Date(fromMs + minute * STEP_MS);
    // Intl is slow, so most minutes are skipped: a local hour can begin only on a quarter-hour.
    if (at.getUTCMinutes() % 15 === 0 && clock(at) === `${String(schedule.daily_hour).padStart(2, '0')}:00`)
      return `${at.toISOString().slice(0, 19)}Z`;
  }
  return undefined;
}

function toHourClock(timeZone: string): (at: Date) => string {
  const format = (zone: string): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  try {
    const zoned = format(timeZone);
    return (at) => zoned.format(at);
  } catch {
    const utc = format('UTC');
    return (at) => utc.format(at);
  }
}
