/** The page's look: automatic by the time of day, or a theme that the owner chose. */
export const LOOKS = ['auto', 'day', 'night', 'watch'] as const;
export type Look = (typeof LOOKS)[number];
export type Theme = Exclude<Look, 'auto'>;

/** The hours in which `auto` uses the day theme. */
const DAY_FROM_HOUR = 7;
const DAY_TO_HOUR = 20;

/** Reads a stored choice. An unknown one counts as `auto`. */
export function parseLook(text: string | null): Look {
  return LOOKS.find((look) => look === text) ?? 'auto';
}

/**
 * Returns the theme for a look. While the clock is not trusted, `auto` keeps the current theme: a clock that shows noon at 3 a.m.
 * must not light up the cockpit.
 */
export function toTheme(look: Look, hour: number, isClockTrusted: boolean, shown: Theme | undefined): Theme {
  if (look !== 'auto') return look;
  if (!isClockTrusted && shown !== undefined) return shown;
  return hour >= DAY_FROM_HOUR && hour < DAY_TO_HOUR ? 'day' : 'night';
}
