import { isTimeZone } from '../../platform/time-zone.ts';

/** Where the zone of a timestamp came from: the text stated it, or it was assumed. */
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
/** Zones change their offset only at quarters of an hour. One lookup per quarter is a hundred times cheaper than one per timestamp. */
const OFFSET_SPAN_MS = 15 * MINUTE_MS;
/** Maximum number of offsets that one reader caches, enough for about six weeks. */
const OFFSETS_MAX = 4_000;

/** Numbers from this one on are milliseconds since 1970. As seconds they would be after the year 5138. */
const EPOCH_MS_FROM = 1e11;
/** Smaller numbers are not times. As seconds they would be before 1973. */
const EPOCH_SECONDS_FROM = 1e8;
/** The last moment with a four-digit year. */
const EPOCH_MS_MAX = 253_402_300_799_999;

/** Normalises a timestamp of a source (docs/spec/sources.md, "2 boatlog"). */
export type TimestampReader = (raw: unknown) => NormalTime;

/**
 * Reads ISO timestamps with `Z` or an offset as stated, ISO timestamps without a zone as UTC, `20260322_122202` as local
 * time in `timeZone`, and numbers as milliseconds or seconds since 1970. `timeZone` is an IANA name; an unknown name counts
 * as UTC.
 */
export function createTimestampReader(timeZone: string): TimestampReader {
  const zone = isTimeZone(timeZone) ? timeZone : 'UTC';
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offsets = new Map<number, number>();
  const offsetMsAt = (utcMs: number): number => {
    const span = Math.floor(utcMs / OFFSET_SPAN_MS);
    const known = offsets.get(span);
    if (known !== undefined) return known;
    const offsetMs = readOffsetMs(utcMs);
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    offsets.set(span, offsetMs);
    return offsetMs;
  };
  const readOffsetMs = (utcMs: number): number => {
    const parts = new Map(format.formatToParts(utcMs).map((part) => [part.type, Number(part.value)]));
    const at = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    return (
      Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second')) -
      Math.floor(utcMs / 1000) * 1000
    );
  };
  return (raw) => {
    if (typeof raw === 'number') return fromEpoch(raw);
    if (typeof raw !== 'string') return NO_TIME;
    const text = raw.trim();
    const compact = COMPACT.exec(text);
    if (compact !== null) {
      const localMs = toUtcMs(compact.slice(1));
      if (localMs === undefined) return NO_TIME;
      // The second lookup uses the resulting moment, so that the hour after a clock change is correct.
      const guessMs = localMs - offsetMsAt(localMs);
      return { utc: toIso(localMs - offsetMsAt(guessMs)), zone: `assumed_local:${zone}` };
    }
    return fromIso(text);
  };
}

function fromEpoch(value: number): NormalTime {
  if (!(value >= EPOCH_SECONDS_FROM)) return NO_TIME;
  const ms = value >= EPOCH_MS_FROM ? value : value * 1000;
  return ms > EPOCH_MS_MAX ? NO_TIME : { utc: toIso(ms), zone: 'stated' };
}

function fromIso(text: string): NormalTime {
  const match = ISO.exec(text);
  if (match === null) return NO_TIME;
  const [, year, month, day, hour, minute, second, fraction, offset] = match;
  const ms = toUtcMs(
    [year, month, day, hour, minute, second],
    Number((fraction ?? '').padEnd(3, '0').slice(0, 3)),
  );
  if (ms === undefined) return NO_TIME;
  if (offset === undefined) return { utc: toIso(ms), zone: 'assumed_utc' };
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
