import { isTimeZone } from '../../platform/time-zone.ts';

/** Where a timestamp's zone came from: stated in the text, or assumed based on the program that writes the column. */
export type TimestampZone = 'stated' | 'assumed_utc' | `assumed_local:${string}`;

/** A normalised timestamp. Both values are null if the text is not a time. */
export interface NormalTime {
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
  readonly utc: string | null;
  readonly zone: TimestampZone | null;
}

const NO_TIME: NormalTime = { utc: null, zone: null };
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i;
const COMPACT = /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/;
const MINUTE_MS = 60_000;
/** No zone changes its offset twice within two days. */
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Offsets change only on a quarter hour. One lookup per quarter hour is a hundred times cheaper than one per timestamp. */
const OFFSET_SPAN_MS = 15 * MINUTE_MS;
/** Maximum number of offsets that one reader caches, enough for about six weeks. */
const OFFSETS_MAX = 4_000;

/** Numbers from this value on are milliseconds since 1970. As seconds, they would be later than the year 5138. */
const EPOCH_MS_FROM = 1e11;
/** Smaller numbers are not times. As seconds, they would be earlier than 1973. */
const EPOCH_SECONDS_FROM = 1e8;
/** The last instant with a four-digit year. */
const EPOCH_MS_MAX = 253_402_300_799_999;

/**
 * The zone assumed for a timestamp whose text specifies none. It depends on the program that writes the column
 * (docs/spec/sources.md, "Time zones").
 */
export type NaiveZone = 'utc' | 'local';

/** One of the boat's time zones, as an IANA name, and the instant from which it applies. */
export interface ZonePeriod {
  readonly zone: string;
  readonly sinceMs: number;
}

/** Normalises a source's timestamp. `naive` defaults to `utc`. */
export type TimestampReader = (raw: unknown, naive?: NaiveZone) => NormalTime;

/**
 * Creates a reader that interprets ISO timestamps with `Z` or an offset as stated, ISO timestamps without a zone as `naive`
 * specifies, `20260322_122202` as local time, and numbers as milliseconds or seconds since 1970. `zones` is the boat's zone, or
 * its zones in chronological order; an unknown name counts as UTC. A local time is interpreted in the newest zone that already
 * applied at that time.
 */
export function createTimestampReader(zones: string | readonly ZonePeriod[]): TimestampReader {
  const periods = (typeof zones === 'string' ? [{ zone: zones, sinceMs: 0 }] : zones)
    .map(({ zone, sinceMs }) => ({ sinceMs, ...createZone(isTimeZone(zone) ? zone : 'UTC') }))
    .reverse();
  const fromLocal = (localMs: number): NormalTime => {
    for (const [index, { sinceMs, name, toUtcMs }] of periods.entries()) {
      const utcMs = toUtcMs(localMs);
      if (utcMs > EPOCH_MS_MAX) return NO_TIME;
      if (utcMs >= sinceMs || index === periods.length - 1)
        return { utc: toIso(Math.max(0, utcMs)), zone: `assumed_local:${name}` };
    }
    return NO_TIME;
  };
  return (raw, naive = 'utc') => {
    if (typeof raw === 'number') return fromEpoch(raw);
    if (typeof raw !== 'string') return NO_TIME;
    const text = raw.trim();
    const compact = COMPACT.exec(text);
    if (compact === null) return fromIso(text, naive === 'local' ? fromLocal : toAssumedUtc);
    const localMs = toUtcMs(compact.slice(1));
    return localMs === undefined ? NO_TIME : fromLocal(localMs);
  };
}

/** A range of local times, as strings `YYYY-MM-DDTHH:MM:SS`, within which neither the offset from UTC nor the zone changes. */
export interface LocalSpan {
  readonly from: string;
  readonly to: string;
  /** Number of minutes to add to a local time to get UTC. */
  readonly toUtcMinutes: number;
  readonly zone: TimestampZone;
}

/** Maximum number of days that a span extends on each side of its middle. Clocks change twice a year. */
const SPAN_DAYS_MAX = 200;
/** No span begins earlier, because a local time must not be earlier than 1970 in UTC. */
const SPAN_FROM_MS = 2 * DAY_MS;

/**
 * Returns the span around the local time `text` in which one fixed offset converts local times to UTC. Its ends are at least a
 * day away from any change of the offset or zone. Undefined if `text` is not a local time, or is within a day of a change.
 */
export function findLocalSpan(readTime: TimestampReader, text: string): LocalSpan | undefined {
  const middleMs = Date.parse(`${text}Z`);
  if (!(middleMs >= SPAN_FROM_MS)) return undefined;
  const offsetAt = (localMs: number): string | undefined => {
    const { utc, zone } = readTime(toIso(localMs).slice(0, 19), 'local');
    return utc === null ? undefined : `${(Date.parse(utc) - localMs) / MINUTE_MS} ${zone}`;
  };
  const known = offsetAt(middleMs);
  const { zone } = readTime(text, 'local');
  if (known === undefined || zone === null) return undefined;
  const toUtcMinutes = Number.parseFloat(known);
  if (!Number.isInteger(toUtcMinutes)) return undefined;
  // The days just beyond each end have the same offset, so all days in between have it too.
  const reach = (stepMs: number): number => {
    let days = 0;
    while (
      days < SPAN_DAYS_MAX &&
      isWithin(middleMs + (days + 2) * stepMs) &&
      offsetAt(middleMs + (days + 2) * stepMs) === known
    )
      days += 1;
    return days;
  };
  if (offsetAt(middleMs - DAY_MS) !== known || offsetAt(middleMs + DAY_MS) !== known) return undefined;
  const toText = (ms: number): string => toIso(ms).slice(0, 19);
  return {
    from: toText(middleMs - reach(-DAY_MS) * DAY_MS),
    to: toText(middleMs + reach(DAY_MS) * DAY_MS),
    toUtcMinutes,
    zone,
  };
}

function isWithin(ms: number): boolean {
  return ms >= SPAN_FROM_MS && ms < EPOCH_MS_MAX;
}

function toAssumedUtc(ms: number): NormalTime {
  return { utc: toIso(ms), zone: 'assumed_utc' };
}

/** A time zone that converts local times, which are passed as if they were UTC. */
interface Zone {
  readonly name: string;
  /**
   * Converts a local time to an instant. A time that occurs twice because the clocks were set back means the first occurrence. A
   * time that was skipped because they were set forward is converted with the offset before the change (RFC 5545 §3.3.5).
   */
  toUtcMs(localMs: number): number;
}

function createZone(name: string): Zone {
  const offsetMsAt = createOffsets(name);
  return {
    name,
    toUtcMs: (localMs) => {
      const before = offsetMsAt(localMs - DAY_MS);
      const after = offsetMsAt(localMs + DAY_MS);
      const early = localMs - before;
      if (before === after || offsetMsAt(early) === before) return early;
      const late = localMs - after;
      return offsetMsAt(late) === after ? late : early;
    },
  };
}

/** Creates a function that returns the zone's offset from UTC at a given instant. */
function createOffsets(timeZone: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offsets = new Map<number, number>();
  const readOffsetMs = (utcMs: number): number => {
    const parts = new Map(format.formatToParts(utcMs).map((part) => [part.type, Number(part.value)]));
    const at = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    return (
      Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second')) -
      Math.floor(utcMs / 1000) * 1000
    );
  };
  return (utcMs) => {
    const span = Math.floor(utcMs / OFFSET_SPAN_MS);
    const known = offsets.get(span);
    if (known !== undefined) return known;
    const offsetMs = readOffsetMs(utcMs);
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    offsets.set(span, offsetMs);
    return offsetMs;
  };
}

function fromEpoch(value: number): NormalTime {
  if (!(value >= EPOCH_SECONDS_FROM)) return NO_TIME;
  const ms = value >= EPOCH_MS_FROM ? value : value * 1000;
  return ms > EPOCH_MS_MAX ? NO_TIME : { utc: toIso(ms), zone: 'stated' };
}

function fromIso(text: string, fromNaive: (ms: number) => NormalTime): NormalTime {
  const match = ISO.exec(text);
  if (match === null) return NO_TIME;
  const [, year, month, day, hour, minute, second, fraction, offset] = match;
  const ms = toUtcMs(
    [year, month, day, hour, minute, second],
    Number((fraction ?? '').padEnd(3, '0').slice(0, 3)),
  );
  if (ms === undefined) return NO_TIME;
  if (offset === undefined) return fromNaive(ms);
  const utcMs = ms - toOffsetMs(offset);
  return utcMs < 0 || utcMs > EPOCH_MS_MAX ? NO_TIME : { utc: toIso(utcMs), zone: 'stated' };
}

function toOffsetMs(offset: string): number {
  if (offset === 'Z' || offset === 'z') return 0;
  const digits = offset.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || '0');
  return (offset.startsWith('-') ? -minutes : minutes) * MINUTE_MS;
}

/**
 * Converts year, month, day, hour, minute and second to a time in ms. Returns undefined if this time does not exist (30
 * February, 24:00).
 */
function toUtcMs(fields: readonly (string | undefined)[], millisecond = 0): number | undefined {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = fields.map((field) =>
    Number(field ?? 0),
  );
  if (hour > 23 || minute > 59 || second > 59 || year < 1970) return undefined;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  const date = new Date(ms);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms : undefined;
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
