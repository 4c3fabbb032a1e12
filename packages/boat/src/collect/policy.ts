import { type CategoryState, RECORD_ID_LENGTH_MAX } from '@d3kos/protocol';
import { isTimeZone } from '../platform/time-zone.ts';
import type { Cursor } from './cursor.ts';

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
/** Most offsets cached by one reader: about six weeks. */
const OFFSETS_MAX = 4_000;

/** Numbers from here on are milliseconds since 1970. As seconds they would be after the year 5138. */
const EPOCH_MS_FROM = 1e11;
/** Smaller numbers are not times. As seconds they would be before 1973. */
const EPOCH_SECONDS_FROM = 1e8;
/** The last moment with a four-digit year. */
const EPOCH_MS_MAX = 253_402_300_799_999;

/** Normalises a timestamp of a source (docs/spec/sources.md, "2 boatlog"). */
export type TimestampReader = (raw: unknown) => NormalTime;

/**
 * Reads ISO timestamps with `Z` or an offset as stated, ISO timestamps without a zone as UTC, `20260322_122202` as local time
 * in `timeZone`, and numbers as milliseconds or seconds since 1970. `timeZone` is an IANA name; an unknown one counts as UTC.
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
      // The second lookup uses the resulting moment, so that the hour after a clock change is right.
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

/** The moment of year, month, day, hour, minute and second. Undefined if it does not exist (30 February, 24:00). */
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

/** Hex digits of the SHA-256 that identifies a row without an id: 128 bits. */
export const CONTENT_DIGEST_LENGTH = 32;

/**
 * A record's identity from its id in the source and its raw timestamp (decision 0003). The id alone does not identify it: ids
 * are reused after deletions and start again in a new database. An id that is too long, or that has characters which central's
 * database may reject, is replaced by its digest.
 */
export function toRecordId(id: string, timestamp: string, sha256: (text: string) => string): string {
  const whole = timestamp === '' ? id : `${id}@${timestamp}`;
  if (whole !== '' && whole.length <= RECORD_ID_LENGTH_MAX && whole.isWellFormed() && !hasControl(whole))
    return whole;
  return `~${sha256(whole).slice(0, CONTENT_DIGEST_LENGTH)}`;
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/**
 * The name of a row whose id is NULL: a digest of its content, and its number among identical rows (0 for the first).
 * Identical rows are counted within a run of equal timestamps, so the same rows get the same names in every export.
 */
export function toContentId(contentSha256: string, neighbour: number): string {
  const name = `~${contentSha256.slice(0, CONTENT_DIGEST_LENGTH)}`;
  return neighbour === 0 ? name : `${name}#${neighbour}`;
}

/** A row of a log that a cursor remembers, by its position and content. */
export interface Anchor {
  readonly position: number;
  /** Hex digits of its content's SHA-256. */
  readonly digest: string;
}

/** Hex digits in an anchor: 48 bits distinguish two rows at the same position of a log. */
export const ANCHOR_DIGEST_LENGTH = 12;

/**
 * Distances of the anchors before the cursor. If the newest rows were deleted or an older copy was restored, the log is read
 * again from the newest anchor that still exists instead of from its start.
 */
export const ANCHOR_DISTANCES: readonly number[] = [0, 1, 2, 4, 8, 16, 64, 256, 1024, 4096, 65_536];

/** A cursor at the first of `anchors`, which are in descending order. Undefined if there are none. */
export function toCursor(anchors: readonly Anchor[]): Cursor | undefined {
  const [first] = anchors;
  if (first === undefined) return undefined;
  const check = anchors.map(({ position, digest }) => `${position}:${digest}`).join(' ');
  return { position: first.position, check };
}

/** The anchors of a cursor in descending order. None if its text is malformed. */
export function parseAnchors(cursor: Cursor): readonly Anchor[] {
  const anchors: Anchor[] = [];
  for (const word of cursor.check.split(' ')) {
    const match = /^(-?\d{1,16}):([0-9a-f]{12})$/.exec(word);
    if (match?.[2] === undefined) return [];
    anchors.push({ position: Number(match[1]), digest: match[2] });
  }
  return anchors[0]?.position === cursor.position ? anchors : [];
}

/**
 * The cursor at the newest anchor whose row is unchanged. Every row up to it has been exported, because a log only grows at its
 * end. Undefined if no anchor fits: another database, which is read from its start.
 */
export function fitCursor(
  cursor: Cursor | undefined,
  digestAt: (position: number) => string | undefined,
): Cursor | undefined {
  const anchors = cursor === undefined ? [] : parseAnchors(cursor);
  const fitting = anchors.findIndex(({ position, digest }) => digestAt(position) === digest);
  return fitting === -1 ? undefined : toCursor(anchors.slice(fitting));
}

/** Rows of the first page, and the limits. More than 2,048 rows are not faster; 1 allows a row of any size. */
export const PAGE_ROWS = { first: 256, min: 1, max: 2048 } as const;
/** Target duration of a page: a fifth of the 50 ms for which the event loop may block, because some pages take longer than predicted. */
export const PAGE_TARGET_MS = 10;

/** Number of rows for the next page, given the duration of the last one. */
export function nextPageRows(rows: number, tookMs: number): number {
  if (tookMs > PAGE_TARGET_MS) return Math.max(PAGE_ROWS.min, Math.floor(rows / 2));
  if (tookMs < PAGE_TARGET_MS / 2) return Math.min(PAGE_ROWS.max, rows * 2);
  return rows;
}

/** The outcome of reading one source of a category. */
export interface HomeOutcome {
  readonly state: CategoryState;
  readonly detail?: string;
}

/**
 * A category's state from the outcomes of its sources. One source with records makes the category `ok`, and `detail` lists the
 * problems of the others: a damaged old database must not hold back the present one, and its cursor has not moved. Otherwise
 * `error` outranks `schema_unknown`, which outranks `empty`. Only if no source exists is the category `source_missing`.
 */
export function mergeHomes(homes: readonly HomeOutcome[]): HomeOutcome {
  const order: readonly CategoryState[] = ['ok', 'error', 'schema_unknown', 'empty', 'source_missing'];
  const state = order.find((candidate) => homes.some((home) => home.state === candidate)) ?? 'source_missing';
  const details = homes.flatMap((home) => home.detail ?? []);
  return details.length === 0 ? { state } : { state, detail: details.join('; ') };
}
