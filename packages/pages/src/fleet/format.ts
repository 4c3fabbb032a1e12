import type { FleetTexts } from '../i18n/fleet-texts.ts';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
/**
 * Up to these values, the smaller unit is used because it is more exact: 41 hours would round to 2 days, and 90 minutes to 2
 * hours.
 */
const MINUTES_MAX = 120;
const HOURS_MAX = 72;

/** Formats a duration in one unit with its name, for example `41 hours`. */
export function toDuration(seconds: number, locale: string): string {
  const [value, unit] =
    seconds < MINUTES_MAX * MINUTE_S
      ? [seconds / MINUTE_S, 'minute']
      : seconds < HOURS_MAX * HOUR_S
        ? [seconds / HOUR_S, 'hour']
        : [seconds / DAY_S, 'day'];
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: 0,
  }).format(Math.max(0, value));
}

/** Seconds between two times. */
export function toSeconds(fromIso: string, toIso: string): number {
  return (Date.parse(toIso) - Date.parse(fromIso)) / 1_000;
}

/** For older times, the time of day is not useful. */
const TIME_SHOWN_S = 36 * HOUR_S;

/** Formats a time for a narrow column: a recent one with its time of day, otherwise only the date. */
export function toShortMoment(iso: string, nowIso: string, texts: FleetTexts): string {
  return Math.abs(toSeconds(iso, nowIso)) < TIME_SHOWN_S ? texts.moment(iso, nowIso) : texts.day(iso, nowIso);
}

/** Formats a position as on a chart, for example `36°58.2′N 9°03.0′W`. */
export function toPosition(latitude: number, longitude: number): string {
  return `${toAngle(latitude, 'N', 'S')} ${toAngle(longitude, 'E', 'W')}`;
}

const MINUTE_DIGITS = 1;

function toAngle(value: number, positive: string, negative: string): string {
  const tenths = Math.round(Math.abs(value) * 600);
  const degrees = Math.floor(tenths / 600);
  const minutes = ((tenths % 600) / 10).toFixed(MINUTE_DIGITS).padStart(4, '0');
  return `${degrees}°${minutes}′${value < 0 ? negative : positive}`;
}

/** Formats a time reported by a boat, or returns the text unchanged if it is not a time. */
export function toClaimedMoment(claimed: string, nowIso: string, texts: FleetTexts): string {
  return Number.isNaN(Date.parse(claimed)) ? claimed : texts.moment(claimed, nowIso);
}
