import type { StatementSync } from 'node:sqlite';
import { toScalarText } from './allowed.ts';
import { toFastLine } from './boatlog-fast-line.ts';
import { BOATLOG_FIELDS, type BoatlogField } from './boatlog-fields.ts';
import { toWeather } from './boatlog-weather.ts';
import type { Page } from './collector.ts';
import { sha256 } from './digest.ts';
import type { RowsFit, RowsRead, RowsReader } from './log-table.ts';
import { toBytesPage, toLine, toPage } from './page.ts';
import { type ColumnZone, toColumnZone, toEntryZone } from './policy/column-zones.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import { findLocalSpan, type LocalSpan, type TimestampReader } from './policy/timestamps.ts';
import type { OddParts, OnLeftOut } from './source-notes.ts';
import { createDisorderedSource, type SourceTable, type SourceValue, toJsonValue } from './source-table.ts';

export type { BoatlogField } from './boatlog-fields.ts';

/**
 * Maximum size of content, in bytes. Longer content is truncated, and `content_is_cut` marks the record. One entry must fit into
 * a request that a slow link can transfer and central will accept.
 */
export const CONTENT_SIZE_MAX_BYTES = 8 * 1024 * 1024;
/** Number of characters kept when content is truncated. */
const CONTENT_CUT_LENGTH = 1024 * 1024;

/**
 * Maximum sizes of values, in bytes. A larger value is left out before SQLite reads it, because SQLite needs memory for the
 * complete value even to truncate it. Weather may be JSON, and parsed objects take many times its size. A type must not fill a
 * fast-path page.
 */
const SIZE_MAX_BYTES: Readonly<Record<BoatlogField, number>> = {
  entry_id: 64 * 1024,
  timestamp: 64 * 1024,
  entry_type: 4 * 1024 * 1024,
  content: 16 * 1024 * 1024,
  latitude: 64 * 1024,
  longitude: 64 * 1024,
  weather_conditions: 256 * 1024,
};

/**
 * Maximum number of previous rows searched for duplicates of a row without an ID, and maximum number of distinct rows counted.
 */
const DUPLICATES_SEARCHED_MAX = 10_000;

/**
 * Maximum number of rows on a slow-path page. Each row becomes an object and a string, which adds garbage to the daemon's memory.
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
  /** Counts the values that could not be interpreted. */
  readonly odd: OddParts;
  readonly onLeftOut: OnLeftOut;
  /** Returns true for an entry that is also in the newer database, from which it is exported. */
  readonly isElsewhere?: (entryId: SourceValue, timestamp: SourceValue) => boolean;
}

/**
 * Reads boatlog rows into pages (decision 0013). On the fast path, SQLite itself builds the JSON of a page and returns its bytes,
 * more than twice as fast as JavaScript. This requires every row on the page to be simple: the ID is a number or simple text, the
 * timestamp has one of the two usual formats, and no value is JSON or a blob. The slow path reads any other page row by row and
 * handles every type of value. A test verifies that both paths return the same records.
 */
export function createBoatlogReader(
  table: SourceTable<BoatlogField>,
  fit: RowsFit,
  reading: BoatlogReading,
): RowsReader {
  const readFast = createFastReader(table, reading.readTime);
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
 * Maximum size of a page's lines that SQLite may join, in bytes. Stopping at this limit costs nothing, whereas measuring rows in
 * advance would read each row twice.
 */
const FAST_PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The largest possible rowid. */
const ROWID_MAX = 9_223_372_036_854_775_807n;

/**
 * Creates the fast-path reader. It returns undefined if a page is too large or any of its rows is not simple. It finds the page's
 * last row first, because joining a range of rowids takes 10 % less time than joining a selection with LIMIT. Without an index,
 * SQLite reads a range in rowid order. The row after the last one must have a higher rowid, or the range could be endless.
 */
function createFastReader(
  table: SourceTable<BoatlogField>,
  readTime: TimestampReader,
): (after: number, rowsMax: number) => RowsRead | undefined {
  const { limits } = table.db;
  const lengthMax = limits.length;
  const columnZone = toColumnZone('boatlog_entries', table.columnOf('timestamp'));
  const findSpan = createSpans(table, readTime);
  const edges = table.db.prepare(
    `SELECT rowid FROM ${table.table} WHERE rowid > ?1 ORDER BY rowid LIMIT 2 OFFSET ?2 - 1`,
  );
  edges.setReadBigInts(true);
  edges.setReturnArrays(true);
  const findLast = (after: number, rows: number): bigint => {
    // Because of setReturnArrays and setReadBigInts, every row is an array with one bigint.
    const [[last] = [ROWID_MAX], [next] = []] = edges.all(
      after,
      rows,
    ) as unknown as readonly (readonly bigint[])[];
    if (last === undefined || (next !== undefined && next <= last)) throw createDisorderedSource();
    return last;
  };
  const read = table.db.prepare(
    `SELECT CAST(group_concat(${toFastLine(table, columnZone)}, '') AS BLOB) AS lines, max(rowid) AS last, count(*) AS count
     FROM ${table.table} NOT INDEXED WHERE rowid > ?1 AND rowid <= ?2`,
  );
  let rowBytes = 1;
  return (after, rowsMax) => {
    // Aims for half the limit, based on the row size of the previous page, so that few pages are rejected.
    const rows = Math.min(rowsMax, Math.max(1, Math.floor(FAST_PAGE_BYTES_MAX / 2 / rowBytes)));
    limits.length = FAST_PAGE_BYTES_MAX;
    let found: ReturnType<StatementSync['get']>;
    try {
      const times = columnZone === 'utc' ? [] : findSpan(after);
      found = getUnlessRejected(read, after, findLast(after, rows), ...times);
    } finally {
      limits.length = lengthMax;
    }
    if (found === undefined) return undefined;
    const bytes = found['lines'];
    if (!(bytes instanceof Uint8Array)) return { count: 0, last: after, toPage: noPage };
    const count = Number(found['count']);
    rowBytes = bytes.length / count;
    return { count, last: Number(found['last']), toPage: async () => toBytesPage(bytes, count) };
  };
}

/**
 * Creates a function that returns the parameters `?3` to `?6` for the page after a row: the span of local times around the page's
 * first row, the modifier that converts them to UTC, and the zone. A page with rows outside the span is rejected and read row by
 * row.
 */
function createSpans(
  { db, table, columns }: SourceTable<BoatlogField>,
  readTime: TimestampReader,
): (after: number) => readonly string[] {
  const first = db.prepare(
    `SELECT CAST(substr(${columns.timestamp}, 1, 19) AS TEXT) AS t FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`,
  );
  let span: LocalSpan | undefined;
  return (after) => {
    const text = String(first.get(after)?.['t'] ?? '');
    if (span === undefined || text < span.from || text > span.to)
      span = findLocalSpan(readTime, text) ?? span;
    if (span === undefined) return ['', '', '+0 minutes', ''];
    const { from, to, toUtcMinutes, zone } = span;
    return [from, to, `${toUtcMinutes < 0 ? '' : '+'}${toUtcMinutes} minutes`, zone];
  };
}

/** Result codes for a rejected page: a failed statement (such as `json_quote` of a blob) and a string beyond the limit. */
const SQLITE_ERROR = 1;
const SQLITE_TOOBIG = 18;

/**
 * Returns undefined if SQLite rejects the statement. If the cause is a different fault in the source, the slow path fails too and
 * reports it.
 */
function getUnlessRejected(
  read: StatementSync,
  after: number,
  last: bigint,
  ...times: readonly string[]
): ReturnType<StatementSync['get']> {
  try {
    return read.get(after, last, ...times);
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
  /** The first column that was left out because its value was too long. */
  readonly tooLong: BoatlogField | undefined;
}

function createSlowReader(table: SourceTable<BoatlogField>, reading: BoatlogReading): RowsReader {
  const { db, columns: c } = table;
  const isLarge = `ifnull(octet_length(${c.content}), 0) > ${CONTENT_SIZE_MAX_BYTES}`;
  const isTooLong = (field: BoatlogField): string => `octet_length(${c[field]}) > ${SIZE_MAX_BYTES[field]}`;
  const bounded = (field: BoatlogField): string =>
    `CASE WHEN ${isTooLong(field)} THEN NULL ELSE ${c[field]} END`;
  const content = `CASE WHEN ${isTooLong('content')} THEN NULL WHEN ${isLarge} THEN substr(${c.content}, 1, ${CONTENT_CUT_LENGTH}) ELSE ${c.content} END`;
  const fields = BOATLOG_FIELDS.map((field) => (field === 'content' ? content : bounded(field))).join(', ');
  const tooLong = BOATLOG_FIELDS.map((field) => `WHEN ${isTooLong(field)} THEN '${field}'`).join(' ');
  const select = `SELECT rowid, ${fields}, ${isLarge}, CASE ${tooLong} END FROM ${table.table}`;
  const columnZone = toColumnZone('boatlog_entries', table.columnOf('timestamp'));
  const forward = toRowStatement(db.prepare(`${select} WHERE rowid > ? ORDER BY rowid LIMIT ?`));
  const backward = toRowStatement(db.prepare(`${select} WHERE rowid <= ? ORDER BY rowid DESC LIMIT ?`));
  const contentIds = createContentIds((position) => iterateRows(backward, position, DUPLICATES_SEARCHED_MAX));
  return (after, rowsMax) => {
    const lines: string[] = [];
    let count = 0;
    let last = after;
    for (const row of iterateRows(forward, after, rowsMax)) {
      const { entry_id: id, timestamp } = row.values;
      if (row.tooLong !== undefined)
        reading.odd.add(
          `row ${row.position}, column ${row.tooLong}`,
          `has more than ${SIZE_MAX_BYTES[row.tooLong]} bytes`,
        );
      const contentId = contentIds.next(row, last);
      count += 1;
      last = row.position;
      if (reading.isElsewhere?.(id, timestamp) === true) continue;
      lines.push(toLine(toBoatlogRecord(row, contentId, reading, columnZone)));
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
    // Because of setReturnArrays, every row is an array, which node:sqlite's types do not reflect.
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
      tooLong = null,
    ] = row;
    if (typeof rowid !== 'bigint' || !Number.isSafeInteger(Number(rowid)))
      throw Object.assign(new Error('rowid'), { code: 'ERR_OUT_OF_RANGE' });
    yield {
      position: Number(rowid),
      isCut: cut === 1n,
      tooLong: BOATLOG_FIELDS.find((field) => field === tooLong),
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

/**
 * Returns true for a row without a usable ID. SQLite replaces every invalid UTF-8 byte with the same character, so an ID with
 * invalid bytes is ambiguous.
 */
function isUnnamed({ values: { entry_id: id } }: BoatlogRow): boolean {
  return id === null || id === '' || (typeof id === 'string' && id.includes('\ufffd'));
}

function toContentSha256({ values: v }: BoatlogRow): string {
  const content = [v.entry_type, v.content, v.latitude, v.longitude, v.weather_conditions].map(toJsonValue);
  return sha256(JSON.stringify(content));
}

/** Assigns names to rows without an ID. Identical rows within a run of equal timestamps get different names. */
interface ContentIds {
  /**
   * Returns the name of `row`, or undefined if the row has an ID. Must be called for every row, in order. `before` is the
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
  // Needed only for the first row. For later rows, the previous row is already known.
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
  { readTime, onLeftOut }: BoatlogReading,
  columnZone: ColumnZone,
): { readonly record_id: string } & Readonly<Record<string, unknown>> {
  const { values } = row;
  const entryId = toJsonValue(values.entry_id);
  const timestamp = toJsonValue(values.timestamp);
  const { utc, zone } = readTime(timestamp, toEntryZone(columnZone, values.entry_type));
  const id = contentId ?? toScalarText(entryId ?? 'null');
  return {
    record_id: toRecordId(id, timestamp === null ? '' : toScalarText(timestamp), sha256),
    entry_id: entryId,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    type: toJsonValue(values.entry_type),
    content: toJsonValue(values.content),
    gps: { latitude: toJsonValue(values.latitude), longitude: toJsonValue(values.longitude) },
    weather: toWeather(toJsonValue(values.weather_conditions), onLeftOut),
    ...(row.isCut ? { content_is_cut: true } : {}),
  };
}
