import { en } from './en.ts';

/** The plural forms of a text in one language. `other` always exists. */
type PluralForms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string };

export type TextKey = keyof typeof en;

/** The texts of one language. Its keys are the keys of the English texts. */
export type Catalogue = Readonly<Record<TextKey, string | PluralForms>>;

/** The texts of a page in English, from which the keys and the values of each text derive. */
type Source = Readonly<Record<string, string | PluralForms>>;

type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type TextOf<Entry> = Entry extends { readonly other: infer Text } ? Text : Entry;
type ValuesOf<Entry> = Entry extends { readonly other: string }
  ? { readonly [Name in Placeholders<TextOf<Entry>> | 'n']: Name extends 'n' ? number : string | number }
  : { readonly [Name in Placeholders<TextOf<Entry>>]: string | number };

/** The texts of a page in one language. Its keys are those of the English texts. */
export type CatalogueOf<S extends Source> = { readonly [Key in keyof S]: string | PluralForms };

/** Returns a text in the language of the page. Numbers are formatted for the language. */
export type SayOf<S extends Source> = <Key extends keyof S & string>(
  key: Key,
  ...values: Record<never, never> extends ValuesOf<S[Key]> ? [] : [ValuesOf<S[Key]>]
) => string;
export type Say = SayOf<typeof en>;

/** The texts of the boat's page. */
export type Texts = TextsOf<typeof en>;

/** The texts and the formats of one language, with times in one time zone. */
export interface TextsOf<S extends Source> {
  readonly language: string;
  /** The locale for `Intl`, with the digits of the page. */
  readonly locale: string;
  readonly direction: 'ltr' | 'rtl';
  readonly say: SayOf<S>;
  number(value: number): string;
  /** A size with at most three digits, for example `2.4 MB`. */
  bytes(size: number): string;
  /** A rounded duration in its largest unit, for example `3 min`. */
  duration(ms: number): string;
  /** The time of day, for example `03:04`. */
  clock(iso: string): string;
  /** `today`, `yesterday`, `tomorrow`, or a date, as seen from `nowIso`. */
  day(iso: string, nowIso: string): string;
  /** The day and the time, as seen from `nowIso`. */
  moment(iso: string, nowIso: string): string;
  /** The hour of the day, 0 to 23. */
  hour(iso: string): number;
  /** The date with its year, and the time. */
  fullMoment(iso: string): string;
}

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT: readonly string[] = ['ar', 'fa', 'he', 'ur'];
const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
const DAY_MS = 86_400_000;
/** From this distance on, a date includes the year. */
const YEAR_SHOWN_FROM_DAYS = 300;

/**
 * Locales for languages whose default locale is unsuitable. Most English-speaking owners write the day before the month.
 * Instruments show Latin digits, so Arabic texts use them too.
 */
const LOCALES: Readonly<Record<string, string>> = { ar: 'ar-u-nu-latn', en: 'en-GB', pt: 'pt-PT' };

/** Creates the texts of the boat's page in a language. An unknown time zone counts as UTC. */
export function createTexts(language: string, catalogue: Catalogue, timeZone: string): Texts {
  return createPageTexts<typeof en>(language, catalogue, timeZone);
}

/** The texts that the formats of times use. */
type TimeTexts = Readonly<Record<'time.near' | 'time.far' | 'time.date', string>>;

/** Creates the texts of a page in a language. An unknown time zone counts as UTC. */
export function createPageTexts<S extends Source & TimeTexts>(
  language: string,
  catalogue: CatalogueOf<S>,
  timeZone: string,
): TextsOf<S> {
  const locale = LOCALES[language] ?? language;
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const zone = isTimeZone(timeZone) ? timeZone : 'UTC';
  const toDayNumber = createDayNumbers(zone);
  const clocks = new Intl.DateTimeFormat(locale, {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const dates = new Intl.DateTimeFormat(locale, { timeZone: zone, day: 'numeric', month: 'short' });
  const yearDates = new Intl.DateTimeFormat(locale, {
    timeZone: zone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  });
  const hours = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const direction = RIGHT_TO_LEFT.includes(language.split('-')[0] ?? '') ? 'rtl' : 'ltr';
  const say = (key: string, values: Readonly<Record<string, string | number>> = {}): string => {
    const entry = catalogue[key] ?? '';
    const text =
      typeof entry === 'string' ? entry : (entry[plurals.select(Number(values['n']))] ?? entry.other);
    return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (typeof value === 'number') return numbers.format(value);
      return direction === 'rtl' ? isolate(value ?? '') : (value ?? '');
    });
  };
  const toDays = (iso: string, nowIso: string): number => toDayNumber(iso) - toDayNumber(nowIso);
  const sayDay = (iso: string, days: number): string => {
    if (isNear(days)) return relative.format(days, 'day');
    return (Math.abs(days) < YEAR_SHOWN_FROM_DAYS ? dates : yearDates).format(new Date(iso));
  };
  const clock = (iso: string): string => clocks.format(new Date(iso));
  return {
    language,
    locale,
    direction,
    // The public type allows exactly the values of each key; the implementation is the same for all.
    say: say as SayOf<S>,
    number: (value) => numbers.format(value),
    bytes: createByteFormat(locale),
    duration: (ms) => formatDuration(locale, ms),
    clock,
    day: (iso, nowIso) => sayDay(iso, toDays(iso, nowIso)),
    moment: (iso, nowIso) => {
      const days = toDays(iso, nowIso);
      return say(isNear(days) ? 'time.near' : 'time.far', { day: sayDay(iso, days), time: clock(iso) });
    },
    // Not every language uses Latin digits.
    hour: (iso) => Number.parseInt(hours.format(new Date(iso)), 10),
    fullMoment: (iso) => say('time.date', { date: yearDates.format(new Date(iso)), time: clock(iso) }),
  };
}

/** Whether a day is yesterday, today or tomorrow, given its distance from today in days. */
function isNear(days: number): boolean {
  return Math.abs(days) <= 1;
}

/**
 * Returns a value between the characters U+2068 and U+2069. Without them, a file name and the size after it would be shown as
 * one left-to-right text (Unicode Standard Annex 9).
 */
function isolate(value: string): string {
  return value === '' ? '' : `\u2068${value}\u2069`;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns a function that returns the number of the local calendar day in `timeZone`. Consecutive days have consecutive
 * numbers. An unknown time zone counts as UTC.
 */
export function createDayNumbers(timeZone: string): (iso: string) => number {
  // The Swedish format is YYYY-MM-DD. One formatter serves all calls, because creating one is slow.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: isTimeZone(timeZone) ? timeZone : 'UTC' });
  return (iso) => Date.parse(`${format.format(new Date(iso))}T00:00:00Z`) / DAY_MS;
}

/** Units of a duration, smallest first, with their length. */
const TIME_UNITS = [
  ['second', 1_000],
  ['minute', 60_000],
  ['hour', 3_600_000],
] as const;

function formatDuration(locale: string, ms: number): string {
  const [unit, unitMs] = TIME_UNITS.findLast(([, length]) => ms >= length) ?? TIME_UNITS[0];
  const value = Math.max(1, Math.round(ms / unitMs));
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' })
    .format(value)
    .replaceAll(' ', '\u00a0');
}

/** Returns a function that formats sizes. Creating a formatter is slow, so there is one for each unit instead of one for each size. */
function createByteFormat(locale: string): (size: number) => string {
  const formats = SIZE_UNITS.map(
    (unit, index) =>
      new Intl.NumberFormat(locale, {
        style: 'unit',
        unit,
        unitDisplay: index === 0 ? 'long' : 'short',
        maximumSignificantDigits: 3,
      }),
  );
  return (size) => {
    let value = size;
    let index = 0;
    while (value >= 1_000 && index < SIZE_UNITS.length - 1) {
      value /= 1_000;
      index += 1;
    }
    // The number and its unit stay on one line.
    return (formats[index]?.format(value) ?? '').replaceAll(' ', '\u00a0');
  };
}
