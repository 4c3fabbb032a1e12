import type { StatementSync } from 'node:sqlite';
import { type AllowedWords, toAllowed, toPublicText, toWords } from './allowed.ts';
import type { Page } from './collector.ts';
import { sha256 } from './digest.ts';
import type { RowsFit, RowsRead, RowsReader } from './log-table.ts';
import { LINE_SEPARATOR, toBytesPage, toLine, toPage } from './page.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import { parseLenientJson } from './source-file.ts';
import { type SourceTable, type SourceValue, toJsonValue } from './source-table.ts';

export type BoatlogField =
  'entry_id' | 'timestamp' | 'entry_type' | 'content' | 'latitude' | 'longitude' | 'weather_conditions';

/** Words allowed in keys of a weather object. They come from weather services and sensors. */
export const WEATHER_WORDS: AllowedWords = toWords(
  'air temp temperature feels like dew point min max avg c f k celsius fahrenheit humidity pressure baro barometer',
  'sea level water wave waves height period swell state tide current wind speed dir direction deg degrees gust gusts',
  'kn kt knots kmh mph ms hpa mb mbar in m ft nm visibility cloud clouds cover sky condition conditions description',
  'summary main code icon uv index rain snow precip precipitation probability chance percent pct h d forecast',
  'sunrise sunset moon phase time timestamp hour hourly daily units unit unknown is day source weather name value',
);

/**
 * Maximum size of content, in bytes. Longer content is cut, and `content_is_cut` marks the record. One entry must fit into
 * a request that a slow link can carry and that central accepts.
 */
export const CONTENT_SIZE_MAX_BYTES = 8 * 1024 * 1024;
/** Number of characters kept when content is cut. */
const CONTENT_CUT_LENGTH = 1024 * 1024;

/** Maximum number of previous rows searched for rows identical to one without an id, and of different rows counted. */
const DUPLICATES_SEARCHED_MAX = 10_000;

/**
 * Maximum number of rows on a slow-path page. Each row becomes an object and a string, and the garbage of a page adds to
 * the daemon's memory.
 */
const SLOW_PAGE_ROWS_MAX = 256;

/**
 * Number of pages read on the slow path after the fast path has rejected a page. It doubles with each rejection, up to
 * `max`.
 */
const SLOW_PAGES = { first: 1, max: 16 } as const;

/** Options for reading a boatlog table. */
export interface BoatlogReading {
  readonly readTime: TimestampReader;
  /** True for an entry that the newer database also holds. The newer database exports that entry. */
  readonly isElsewhere?: (entryId: SourceValue, timestamp: SourceValue) => boolean;
}

/**
 * Reads boatlog rows into pages (decision 0013). On the fast path SQLite itself builds the JSON of a page and returns its
 * bytes, more than twice as fast as JavaScript. Every row of such a page must be simple: its id is a number or simple text,
 * its timestamp has one of the two usual formats, and no value is JSON or a blob. The slow path reads any other page row by
 * row and handles every kind of value. Both paths return the same records, and a test compares them.
 */
export function createBoatlogReader(
  table: SourceTable<BoatlogField>,
  fit: RowsFit,
  reading: BoatlogReading,
): RowsReader {
  const readFast = createFastReader(table);
  const readRows = createSlowReader(table, reading);
  const readSlow: RowsReader = (after, rowsMax) =>
    readRows(after, fit(after, Math.min(rowsMax, SLOW_PAGE_ROWS_MAX)));
  let slowPages = 0;
  let slowPagesNext: number = SLOW_PAGES.first;
  // Node before 24.15 cannot limit the length of SQLite's strings.
  const hasFastPath =
    reading.isElsewhere === undefined &&
    table.has('entry_id') &&
    table.has('timestamp') &&
    'limits' in table.db;
  if (!hasFastPath) return readSlow;
  return (after, rowsMax) => {
    if (slowPages > 0) {
      slowPages -= 1;
      return readSlow(after, rowsMax);
    }
    const page = readFast(after, rowsMax);
    if (page !== undefined) {
      slowPagesNext = SLOW_PAGES.first;
      return page;
    }
    slowPages = slowPagesNext;
    slowPagesNext = Math.min(slowPagesNext * 2, SLOW_PAGES.max);
    return readSlow(after, rowsMax);
  };
}

/**
 * Returns the SQL for the line of a simple row, preceded by the separator. SQLite rejects the statement for any other row.
 * One `concat` is 20 % cheaper than a chain of `||`, which copies its result at every step. `concat` treats NULL as an
 * empty string, so every column is checked first. The fields and their order match `toBoatlogRecord`. Each part of the
 * statement was chosen by measurement.
 */
function toFastLine(table: SourceTable<BoatlogField>): string {
  const { columns: c } = table;
  const t = c.timestamp;
  // A rowid is always an integer. A rowid beyond 2^53 stops the reading anyway.
  const isRowid = table.isRowid('entry_id');
  const isSimple = [
    isSimpleTimestamp(t),
    ...(isRowid ? [] : [isSimpleId(c.entry_id)]),
    isNoBytes(c.entry_type, c.content),
    isSimpleAngle(c.latitude),
    isSimpleAngle(c.longitude),
    isSimpleWeather(c.weather_conditions),
  ];
  return `CASE WHEN ${isSimple.join(' AND ')}
    THEN concat('${LINE_SEPARATOR}{"record_id":"', ${c.entry_id}, '@', ${t}, '","entry_id":', ${isRowid ? c.entry_id : `json_quote(${c.entry_id})`},
      ',"timestamp":"', ${t}, '","timestamp_utc":"', substr(${t}, 1, 23),
      CASE octet_length(${t}) WHEN 24 THEN 'Z","timestamp_zone":"stated","type":' ELSE 'Z","timestamp_zone":"assumed_utc","type":' END,
      json_quote(${c.entry_type}), ',"content":', json_quote(${c.content}),
      ',"gps":{"latitude":', ${quoteOrNull(c.latitude)}, ',"longitude":', ${quoteOrNull(c.longitude)},
      '},"weather":', ${quoteOrNull(c.weather_conditions)}, '}')
    ELSE json_quote(x'') END`;
}

/**
 * Matches `2026-03-16T14:03:05.123Z` and `2026-03-16T14:03:05.123456` from 1970 on. `date` checks the digits and ranges. It
 * accepts 24:00. It also accepts 30 February, but returns a different date. The length is counted in bytes, because GLOB
 * stops at a NUL. The last line also excludes blobs, which compare as greater. `+` prevents a numeric column from
 * converting '1970'.
 */
function isSimpleTimestamp(t: string): string {
  return `CASE octet_length(${t})
      WHEN 24 THEN ${t} GLOB date(${t}) || 'T??:??:??.??[0-9]Z'
      WHEN 26 THEN ${t} GLOB date(${t}) || 'T??:??:??.?????[0-9]' END
    AND substr(${t}, 12, 2) < '24' AND +${t} > '1970'`;
}

function isSimpleId(id: string): string {
  return `CASE typeof(${id})
    WHEN 'integer' THEN ${id} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}
    WHEN 'text' THEN octet_length(${id}) BETWEEN 1 AND 64 AND instr(${id}, char(0)) = 0 AND ${id} NOT GLOB '*[^-0-9A-Za-z_.:]*' END`;
}

/**
 * Returns SQL that is true if neither column is a blob. Blobs compare as greater than every other value, and comparing
 * costs half as much as `typeof`.
 */
function isNoBytes(one: string, other: string): string {
  return `(${one} < x'' AND ${other} < x'') IS NOT 0`;
}

/**
 * Returns SQL that is true for NULL and for numbers in range. Text and blobs compare as greater than every number, and
 * infinities are out of range.
 */
function isSimpleAngle(column: string): string {
  return `(${column} IS NULL OR ${column} BETWEEN -1000 AND 1000)`;
}

/** Returns SQL that calls `json_quote` only for values that are not NULL. These columns are NULL in most rows. */
function quoteOrNull(column: string): string {
  return `CASE WHEN ${column} IS NULL THEN 'null' ELSE json_quote(${column}) END`;
}

/**
 * Returns SQL that is true for NULL, and for text without JSON and without the characters that `toPublicText` checks. GLOB
 * ignores text after a NUL.
 */
function isSimpleWeather(weather: string): string {
  return `(${weather} IS NULL OR typeof(${weather}) = 'text' AND ${weather} NOT GLOB '*[{[/:=]*' AND instr(${weather}, char(0)) = 0)`;
}

/**
 * Maximum size of a page's lines that SQLite may join, in bytes. SQLite stops at this limit at no cost, whereas measuring
 * rows in advance would read each row twice.
 */
const FAST_PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The largest possible rowid. */
const ROWID_MAX = '9223372036854775807';

/**
 * Returns undefined for a page that is too large or has a row that is not simple. The statement first finds the last row of
 * the page, because joining a range of rowids takes 10 % less time than joining a selection with LIMIT. Without an index
 * SQLite reads a range in the order of rowids.
 */
function createFastReader(
  table: SourceTable<BoatlogField>,
): (after: number, rowsMax: number) => RowsRead | undefined {
  const { limits } = table.db;
  const lastOfPage = `SELECT rowid FROM ${table.table} WHERE rowid > ?1 ORDER BY rowid LIMIT 1 OFFSET ?2 - 1`;
  const read = table.db.prepare(
    `SELECT CAST(group_concat(${toFastLine(table)}, '') AS BLOB) AS lines, max(rowid) AS last, count(*) AS count
     FROM ${table.table} NOT INDEXED WHERE rowid > ?1 AND rowid <= ifnull((${lastOfPage}), ${ROWID_MAX})`,
  );
  let rowBytes = 1;
  return (after, rowsMax) => {
    // Aims at half the limit, based on the row size of the previous page, so that few pages are rejected.
    const rows = Math.min(rowsMax, Math.max(1, Math.floor(FAST_PAGE_BYTES_MAX / 2 / rowBytes)));
    limits.length = FAST_PAGE_BYTES_MAX;
    let found: ReturnType<StatementSync['get']>;
    try {
      found = getUnlessRejected(read, after, rows);
    } finally {
      limits.length = Infinity;
    }
    if (found === undefined) return undefined;
    const bytes = found['lines'];
    if (!(bytes instanceof Uint8Array)) return { count: 0, last: after, toPage: noPage };
    const count = Number(found['count']);
    rowBytes = bytes.length / count;
    return { count, last: Number(found['last']), toPage: async () => toBytesPage(bytes, count) };
  };
}

/** Result codes of a rejected page: a failed statement (such as `json_quote` of a blob) and a string beyond the limit. */
const SQLITE_ERROR = 1;
const SQLITE_TOOBIG = 18;

/**
 * Returns undefined if SQLite rejected the statement. If the cause is a different fault in the source, the slow path fails
 * too and reports it.
 */
function getUnlessRejected(
  read: StatementSync,
  after: number,
  rowsMax: number,
): ReturnType<StatementSync['get']> {
  try {
    return read.get(after, rowsMax);
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error)) throw error;
    if (error.errcode === SQLITE_ERROR || error.errcode === SQLITE_TOOBIG) return undefined;
    throw error;
  }
}

async function noPage(): Promise<Page | undefined> {
  return undefined;
}

/** One row as stored in the source. */
interface BoatlogRow {
  readonly position: number;
  readonly values: Readonly<Record<BoatlogField, SourceValue>>;
  readonly isCut: boolean;
}

function createSlowReader(table: SourceTable<BoatlogField>, reading: BoatlogReading): RowsReader {
  const { db, columns: c } = table;
  const isLarge = `ifnull(octet_length(${c.content}), 0) > ${CONTENT_SIZE_MAX_BYTES}`;
  const content = `CASE WHEN ${isLarge} THEN substr(${c.content}, 1, ${CONTENT_CUT_LENGTH}) ELSE ${c.content} END`;
  const select = `SELECT rowid, ${c.entry_id}, ${c.timestamp}, ${c.entry_type}, ${content}, ${c.latitude}, ${c.longitude}, ${c.weather_conditions}, ${isLarge} FROM ${table.table}`;
  const forward = toRowStatement(db.prepare(`${select} WHERE rowid > ? ORDER BY rowid LIMIT ?`));
  const backward = toRowStatement(db.prepare(`${select} WHERE rowid <= ? ORDER BY rowid DESC LIMIT ?`));
  const contentIds = createContentIds((position) => iterateRows(backward, position, DUPLICATES_SEARCHED_MAX));
  return (after, rowsMax) => {
    const lines: string[] = [];
    let count = 0;
    let last = after;
    for (const row of iterateRows(forward, after, rowsMax)) {
      const { entry_id: id, timestamp } = row.values;
      const contentId = contentIds.next(row, last);
      count += 1;
      last = row.position;
      if (reading.isElsewhere?.(id, timestamp) === true) continue;
      lines.push(toLine(toBoatlogRecord(row, contentId, reading.readTime)));
    }
    return { count, last, toPage: async () => (lines.length === 0 ? undefined : toPage(lines)) };
  };
}

function toRowStatement(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

function* iterateRows(statement: StatementSync, position: number, rowsMax: number): Generator<BoatlogRow> {
  for (const found of statement.iterate(position, rowsMax)) {
    // setReturnArrays makes every row an array; the types of node:sqlite do not reflect it.
    const row = found as unknown as readonly SourceValue[];
    const [
      rowid = null,
      id = null,
      timestamp = null,
      type = null,
      content = null,
      lat = null,
      lon = null,
      weather = null,
      cut = null,
    ] = row;
    if (typeof rowid !== 'bigint' || !Number.isSafeInteger(Number(rowid)))
      throw Object.assign(new Error('rowid'), { code: 'ERR_OUT_OF_RANGE' });
    yield {
      position: Number(rowid),
      isCut: cut === 1n,
      values: {
        entry_id: id,
        timestamp,
        entry_type: type,
        content,
        latitude: lat,
        longitude: lon,
        weather_conditions: weather,
      },
    };
  }
}

/** True for a row without a usable id. SQLite returns every byte that is not UTF-8 as the same character, so such an id is ambiguous. */
function isUnnamed({ values: { entry_id: id } }: BoatlogRow): boolean {
  return id === null || id === '' || (typeof id === 'string' && id.includes('\ufffd'));
}

function toContentSha256({ values: v }: BoatlogRow): string {
  const content = [v.entry_type, v.content, v.latitude, v.longitude, v.weather_conditions].map(toJsonValue);
  return sha256(JSON.stringify(content));
}

/** Names rows without an id. Identical rows in a run of equal timestamps get different names. */
interface ContentIds {
  /**
   * Returns the name of `row`, or undefined if the row has an id. It must be called for every row in order. `before` is the
   * position of the previous row.
   */
  next(row: BoatlogRow, before: number): string | undefined;
}

function createContentIds(readBack: (position: number) => Iterable<BoatlogRow>): ContentIds {
  let run: { readonly timestamp: SourceValue; readonly counts: Map<string, number> } | undefined;
  let last: number | undefined;
  const count = (counts: Map<string, number>, digest: string): number => {
    const seen = counts.get(digest) ?? 0;
    if (seen > 0 || counts.size < DUPLICATES_SEARCHED_MAX) counts.set(digest, seen + 1);
    return seen;
  };
  // Needed only for the first row. After that the previous row is known.
  const lookBack = (timestamp: SourceValue, position: number): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const row of readBack(position)) {
      if (!isSameTimestamp(row.values.timestamp, timestamp)) break;
      if (isUnnamed(row)) count(counts, toContentSha256(row));
    }
    return counts;
  };
  return {
    next(row, before) {
      const { timestamp } = row.values;
      if (last !== before) run = { timestamp, counts: lookBack(timestamp, before) };
      else if (run === undefined || !isSameTimestamp(run.timestamp, timestamp))
        run = { timestamp, counts: new Map() };
      last = row.position;
      if (!isUnnamed(row)) return undefined;
      const digest = toContentSha256(row);
      return toContentId(digest, count(run.counts, digest));
    },
  };
}

function isSameTimestamp(left: SourceValue, right: SourceValue): boolean {
  return left === right || (left instanceof Uint8Array && toJsonValue(left) === toJsonValue(right));
}

function toBoatlogRecord(
  row: BoatlogRow,
  contentId: string | undefined,
  readTime: TimestampReader,
): { readonly record_id: string } & Readonly<Record<string, unknown>> {
  const { values } = row;
  const entryId = toJsonValue(values.entry_id);
  const timestamp = toJsonValue(values.timestamp);
  const { utc, zone } = readTime(timestamp);
  const id = contentId ?? String(entryId);
  return {
    record_id: toRecordId(id, timestamp === null ? '' : String(timestamp), sha256),
    entry_id: entryId,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    type: toJsonValue(values.entry_type),
    content: toJsonValue(values.content),
    gps: { latitude: toJsonValue(values.latitude), longitude: toJsonValue(values.longitude) },
    weather: toWeather(toJsonValue(values.weather_conditions)),
    ...(row.isCut ? { content_is_cut: true } : {}),
  };
}

/** Returns the weather as text, or as an object of allowed keys if the text is JSON. */
function toWeather(value: string | number | null): unknown {
  if (typeof value !== 'string') return value;
  const json = /^\s*[{[]/.test(value) ? parseLenientJson(value) : undefined;
  return json === undefined ? toPublicText(value) : (toAllowed(json, WEATHER_WORDS) ?? null);
}
