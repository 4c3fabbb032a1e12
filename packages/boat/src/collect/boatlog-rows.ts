import type { StatementSync } from 'node:sqlite';
import { type AllowedWords, toAllowed, toPublicText, toWords } from './allowed.ts';
import type { Page } from './collector.ts';
import { sha256 } from './digest.ts';
import type { RowsFit, RowsRead, RowsReader } from './log-table.ts';
import { LINE_SEPARATOR, toBytesPage, toLine, toPage } from './page.ts';
import { type TimestampReader, toContentId, toRecordId } from './policy.ts';
import { parseLenientJson } from './source-file.ts';
import { type SourceTable, type SourceValue, toJsonValue } from './source-table.ts';

export type BoatlogField =
  'entry_id' | 'timestamp' | 'entry_type' | 'content' | 'latitude' | 'longitude' | 'weather_conditions';

/** The words that keys of a weather object may be made of: what weather services and sensors call things. */
export const WEATHER_WORDS: AllowedWords = toWords(
  'air temp temperature feels like dew point min max avg c f k celsius fahrenheit humidity pressure baro barometer',
  'sea level water wave waves height period swell state tide current wind speed dir direction deg degrees gust gusts',
  'kn kt knots kmh mph ms hpa mb mbar in m ft nm visibility cloud clouds cover sky condition conditions description',
  'summary main code icon uv index rain snow precip precipitation probability chance percent pct h d forecast',
  'sunrise sunset moon phase time timestamp hour hourly daily units unit unknown is day source weather name value',
);

/** Content beyond this is cut, and the record says so: one entry must fit a request that a slow link can carry and central takes. */
export const CONTENT_SIZE_MAX_BYTES = 8 * 1024 * 1024;
/** Characters kept of such content. */
const CONTENT_CUT_LENGTH = 1024 * 1024;

/** How far back identical neighbours of a row without an id are looked for, and how many different ones are counted. */
const NEIGHBOURS_MAX = 10_000;

/** Most rows of a page read row by row: each is an object and a text, and the garbage of one page is the daemon's memory. */
const ODD_PAGE_ROWS_MAX = 256;

/** Pages read row by row after one that held an odd row, before SQLite is asked for a whole page again; doubles up to the most. */
const ODD_PAGES = { first: 1, max: 16 } as const;

/** What reading a boatlog needs besides its table. */
export interface BoatlogReading {
  readonly readTime: TimestampReader;
  /** True for an entry that the newer home holds as well, where it is exported from. */
  readonly isElsewhere?: (entryId: SourceValue, timestamp: SourceValue) => boolean;
}

/**
 * Reads boatlog rows into pages. Where every row of a page is plain (a number or simple text as id, one of the two
 * usual timestamps, no JSON, no bytes), SQLite builds the JSON itself and gives its bytes: more than twice as fast as
 * rows made into text here. A page with any other row is read again row by row, where every kind of value is handled.
 * Both give the same records; a test compares them.
 */
export function createBoatlogReader(
  table: SourceTable<BoatlogField>,
  fit: RowsFit,
  reading: BoatlogReading,
): RowsReader {
  const readPlain = createPlainReader(table);
  const readRows = createAnyReader(table, reading);
  const readAny: RowsReader = (after, rowsMax) =>
    readRows(after, fit(after, Math.min(rowsMax, ODD_PAGE_ROWS_MAX)));
  let oddPages = 0;
  let oddPagesNext: number = ODD_PAGES.first;
  // Before Node 24.15 SQLite could not be told how large a page may get.
  const mayBePlain =
    reading.isElsewhere === undefined &&
    table.has('entry_id') &&
    table.has('timestamp') &&
    'limits' in table.db;
  if (!mayBePlain) return readAny;
  return (after, rowsMax) => {
    if (oddPages > 0) {
      oddPages -= 1;
      return readAny(after, rowsMax);
    }
    const plain = readPlain(after, rowsMax);
    if (plain !== undefined) {
      oddPagesNext = ODD_PAGES.first;
      return plain;
    }
    oddPages = oddPagesNext;
    oddPagesNext = Math.min(oddPagesNext * 2, ODD_PAGES.max);
    return readAny(after, rowsMax);
  };
}

/**
 * SQL for the line of a plain row behind its separator; any other row makes SQLite refuse the statement. One `concat`
 * is a fifth cheaper than a chain of `||`, which copies what it has at every step, but takes NULL for an empty text:
 * everything is checked before. Fields and order are those of `toBoatlogRecord`. Each part of it was measured.
 */
function toPlainLine(table: SourceTable<BoatlogField>): string {
  const { columns: c } = table;
  const t = c.timestamp;
  // A row's number is always an integer, and one that is too large to count with ends the reading anyway.
  const isRowid = table.isRowid('entry_id');
  const isPlain = [
    isPlainTimestamp(t),
    ...(isRowid ? [] : [isPlainId(c.entry_id)]),
    isNoBytes(c.entry_type, c.content),
    isPlainAngle(c.latitude),
    isPlainAngle(c.longitude),
    isPlainWeather(c.weather_conditions),
  ];
  return `CASE WHEN ${isPlain.join(' AND ')}
    THEN concat('${LINE_SEPARATOR}{"record_id":"', ${c.entry_id}, '@', ${t}, '","entry_id":', ${isRowid ? c.entry_id : `json_quote(${c.entry_id})`},
      ',"timestamp":"', ${t}, '","timestamp_utc":"', substr(${t}, 1, 23),
      CASE octet_length(${t}) WHEN 24 THEN 'Z","timestamp_zone":"stated","type":' ELSE 'Z","timestamp_zone":"assumed_utc","type":' END,
      json_quote(${c.entry_type}), ',"content":', json_quote(${c.content}),
      ',"gps":{"latitude":', ${quoteOrNull(c.latitude)}, ',"longitude":', ${quoteOrNull(c.longitude)},
      '},"weather":', ${quoteOrNull(c.weather_conditions)}, '}')
    ELSE json_quote(x'') END`;
}

/**
 * One of `2026-03-16T14:03:05.123Z` and `2026-03-16T14:03:05.123456`, since 1970. `date` parses all of it, digits and
 * ranges; it takes 30 February, whose date is another, and 24:00. Bytes are counted, because a GLOB ends at a NUL.
 * The last line also excludes bytes, which compare as greater; `+` keeps a column of numbers from making the year one.
 */
function isPlainTimestamp(t: string): string {
  return `CASE octet_length(${t})
      WHEN 24 THEN ${t} GLOB date(${t}) || 'T??:??:??.??[0-9]Z'
      WHEN 26 THEN ${t} GLOB date(${t}) || 'T??:??:??.?????[0-9]' END
    AND substr(${t}, 12, 2) < '24' AND +${t} > '1970'`;
}

function isPlainId(id: string): string {
  return `CASE typeof(${id})
    WHEN 'integer' THEN ${id} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}
    WHEN 'text' THEN octet_length(${id}) BETWEEN 1 AND 64 AND instr(${id}, char(0)) = 0 AND ${id} NOT GLOB '*[^-0-9A-Za-z_.:]*' END`;
}

/** Bytes compare as greater than all else, NULL not at all: at half the price of `typeof`. */
function isNoBytes(one: string, other: string): string {
  return `(${one} < x'' AND ${other} < x'') IS NOT 0`;
}

/** Texts and bytes compare as greater than every number, infinities are out of range. */
function isPlainAngle(column: string): string {
  return `(${column} IS NULL OR ${column} BETWEEN -1000 AND 1000)`;
}

/** `json_quote`, called only where there is something to quote: on most rows these columns are empty. */
function quoteOrNull(column: string): string {
  return `CASE WHEN ${column} IS NULL THEN 'null' ELSE json_quote(${column}) END`;
}

/** No JSON, and nothing in it that `toPublicText` would look at; a GLOB does not see what is behind a NUL. */
function isPlainWeather(weather: string): string {
  return `(${weather} IS NULL OR typeof(${weather}) = 'text' AND ${weather} NOT GLOB '*[{[/:=]*' AND instr(${weather}, char(0)) = 0)`;
}

/**
 * Most bytes of a page's lines that SQLite may join. It refuses to go on at this size, which costs nothing, where
 * measuring rows beforehand would read each of them twice.
 */
const PLAIN_PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The largest rowid there can be. */
const ROWID_MAX = '9223372036854775807';

/**
 * Gives undefined for a page that holds a row which is not plain, or that is too large. Where the page ends is looked up
 * first: joining a range of the table takes a tenth less than joining what a limited selection gives. Without an index,
 * a range of rowids is read in their order.
 */
function createPlainReader(
  table: SourceTable<BoatlogField>,
): (after: number, rowsMax: number) => RowsRead | undefined {
  const { limits } = table.db;
  const lastOfPage = `SELECT rowid FROM ${table.table} WHERE rowid > ?1 ORDER BY rowid LIMIT 1 OFFSET ?2 - 1`;
  const read = table.db.prepare(
    `SELECT CAST(group_concat(${toPlainLine(table)}, '') AS BLOB) AS lines, max(rowid) AS last, count(*) AS count
     FROM ${table.table} NOT INDEXED WHERE rowid > ?1 AND rowid <= ifnull((${lastOfPage}), ${ROWID_MAX})`,
  );
  let rowBytes = 1;
  return (after, rowsMax) => {
    // Half of what is allowed, by the rows of the page before: few pages are then made in vain.
    const rows = Math.min(rowsMax, Math.max(1, Math.floor(PLAIN_PAGE_BYTES_MAX / 2 / rowBytes)));
    limits.length = PLAIN_PAGE_BYTES_MAX;
    let found: ReturnType<StatementSync['get']>;
    try {
      found = getUnlessRefused(read, after, rows);
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

/** Results of SQLite by which a page is not made: a statement that cannot be carried out, as `json_quote` of bytes, and a text beyond the limit. */
const SQLITE_ERROR = 1;
const SQLITE_TOOBIG = 18;

/** Undefined where the statement met a row that is not plain, or more text than allowed. What else is wrong with the source shows when it is read row by row. */
function getUnlessRefused(
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

/** One row as it lies in the source. */
interface BoatlogRow {
  readonly position: number;
  readonly values: Readonly<Record<BoatlogField, SourceValue>>;
  readonly isCut: boolean;
}

function createAnyReader(table: SourceTable<BoatlogField>, reading: BoatlogReading): RowsReader {
  const { db, columns: c } = table;
  const isLarge = `ifnull(octet_length(${c.content}), 0) > ${CONTENT_SIZE_MAX_BYTES}`;
  const content = `CASE WHEN ${isLarge} THEN substr(${c.content}, 1, ${CONTENT_CUT_LENGTH}) ELSE ${c.content} END`;
  const select = `SELECT rowid, ${c.entry_id}, ${c.timestamp}, ${c.entry_type}, ${content}, ${c.latitude}, ${c.longitude}, ${c.weather_conditions}, ${isLarge} FROM ${table.table}`;
  const forward = toRowStatement(db.prepare(`${select} WHERE rowid > ? ORDER BY rowid LIMIT ?`));
  const backward = toRowStatement(db.prepare(`${select} WHERE rowid <= ? ORDER BY rowid DESC LIMIT ?`));
  const neighbours = createNeighbours((position) => iterateRows(backward, position, NEIGHBOURS_MAX));
  return (after, rowsMax) => {
    const lines: string[] = [];
    let count = 0;
    let last = after;
    for (const row of iterateRows(forward, after, rowsMax)) {
      const { entry_id: id, timestamp } = row.values;
      const contentId = neighbours.next(row, last);
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
    // setReturnArrays makes every row a list, which the types of node:sqlite do not know.
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

/** An id with bytes that are not UTF-8 names nothing either: SQLite gives every such byte as the same character. */
function isUnnamed({ values: { entry_id: id } }: BoatlogRow): boolean {
  return id === null || id === '' || (typeof id === 'string' && id.includes('\ufffd'));
}

function toContentSha256({ values: v }: BoatlogRow): string {
  const content = [v.entry_type, v.content, v.latitude, v.longitude, v.weather_conditions].map(toJsonValue);
  return sha256(JSON.stringify(content));
}

/** Names rows without an id, identical ones apart among neighbours with the same timestamp. */
interface Neighbours {
  /** The name of `row`, undefined where it has an id. To be asked of every row; `before` is the position read before it. */
  next(row: BoatlogRow, before: number): string | undefined;
}

function createNeighbours(readBack: (position: number) => Iterable<BoatlogRow>): Neighbours {
  let run: { readonly timestamp: SourceValue; readonly counts: Map<string, number> } | undefined;
  let last: number | undefined;
  const count = (counts: Map<string, number>, digest: string): number => {
    const seen = counts.get(digest) ?? 0;
    if (seen > 0 || counts.size < NEIGHBOURS_MAX) counts.set(digest, seen + 1);
    return seen;
  };
  // Only where reading begins: from then on the row before is known.
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

/** Weather as text, or as an object of allowed keys where the text is JSON. */
function toWeather(value: string | number | null): unknown {
  if (typeof value !== 'string') return value;
  const json = /^\s*[{[]/.test(value) ? parseLenientJson(value) : undefined;
  return json === undefined ? toPublicText(value) : (toAllowed(json, WEATHER_WORDS) ?? null);
}
