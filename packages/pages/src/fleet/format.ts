import type { FleetTexts } from '../i18n/fleet-languages.ts';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
/** Up to these values the smaller unit is clearer: 41 hours is a day and a half, and 90 minutes is no two hours. */
const MINUTES_MAX = 120;
const HOURS_MAX = 72;

/** A duration in one unit with its name, for example `41 hours`. */
export function toDuration(seconds: number, language: string): string {
  const [value, unit] =
    seconds < MINUTES_MAX * MINUTE_S
      ? [seconds / MINUTE_S, 'minute']
      : seconds < HOURS_MAX * HOUR_S
        ? [seconds / HOUR_S, 'hour']
        : [seconds / DAY_S, 'day'];
  return new Intl.NumberFormat(language, {
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

/** From this distance on, the time of day says nothing about a silence. */
const TIME_SHOWN_S = 36 * HOUR_S;

/** A moment in a narrow column: with its time if it is near, otherwise the day alone. */
export function toShortMoment(iso: string, nowIso: string, texts: FleetTexts): string {
  return Math.abs(toSeconds(iso, nowIso)) < TIME_SHOWN_S ? texts.moment(iso, nowIso) : texts.day(iso, nowIso);
}

/** A position as on a chart, for example `36°58.2′N 9°03.0′W`. */
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

/** A time that a boat claims, or the text itself if it is no time. */
export function toClaimedMoment(claimed: string, nowIso: string, texts: FleetTexts): string {
  return Number.isNaN(Date.parse(claimed)) ? claimed : texts.moment(claimed, nowIso);
}
