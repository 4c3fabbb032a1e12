import { TEXT_LENGTH_MAX } from './allowed.ts';
import type { BoatlogField } from './boatlog-fields.ts';
import { LINE_SEPARATOR } from './page.ts';
import { type ColumnZone, LOCAL_ENTRY_TYPES } from './policy/column-zones.ts';
import type { SourceTable } from './source-table.ts';

/**
 * Returns SQL that formats a simple row as an export line, preceded by the separator. For any other row, SQLite rejects the
 * statement. One `concat` is 20 % cheaper than a chain of `||`, which copies its result at every step. Every column is checked
 * first, because `concat` treats NULL as an empty string. The fields and their order match `toBoatlogRecord`. Every detail of the
 * statement was chosen by benchmarking.
 */
export function toFastLine(table: SourceTable<BoatlogField>, zone: ColumnZone): string {
  const { columns: c } = table;
  const t = c.timestamp;
  // A rowid is always an integer. A rowid beyond 2^53 ends the collection anyway.
  const isRowid = table.isRowid('entry_id');
  const isSimple = [
    isSimpleTimestamp(t),
    ...(zone === 'utc' ? [] : [isInSpan(t, c.entry_type)]),
    ...(isRowid ? [] : [isSimpleId(c.entry_id)]),
    isNoBytes(c.entry_type, c.content),
    isSimpleAngle(c.latitude),
    isSimpleAngle(c.longitude),
    isSimpleWeather(c.weather_conditions),
  ];
  return `CASE WHEN ${isSimple.join(' AND ')}
    THEN concat('${LINE_SEPARATOR}{"record_id":"', ${c.entry_id}, '@', ${t}, '","entry_id":', ${isRowid ? c.entry_id : `json_quote(${c.entry_id})`},
      ',"timestamp":"', ${t}, '","timestamp_utc":"', ${toFastTime(t, c.entry_type, zone)}, '","type":',
      json_quote(${c.entry_type}), ',"content":', json_quote(${c.content}),
      ',"gps":{"latitude":', ${quoteOrNull(c.latitude)}, ',"longitude":', ${quoteOrNull(c.longitude)},
      '},"weather":', ${quoteOrNull(c.weather_conditions)}, '}')
    ELSE json_quote(x'') END`;
}

const LOCAL_TYPES_SQL = [...LOCAL_ENTRY_TYPES].map((type) => `'${String(type)}'`).join(', ');

/** Returns SQL that is false for a local time outside the page's span, where the offset from UTC differs or is unknown. */
function isInSpan(t: string, type: string): string {
  return `(octet_length(${t}) = 24 OR (${type} IN (${LOCAL_TYPES_SQL})) IS NOT 1 OR ${t} BETWEEN ?3 AND ?4)`;
}

/** Returns SQL for the UTC time and the zone of a simple timestamp. Milliseconds are copied, because `strftime` rounds them. */
function toFastTime(t: string, type: string, zone: ColumnZone): string {
  const local =
    zone === 'utc'
      ? ''
      : `WHEN ${type} IN (${LOCAL_TYPES_SQL})
         THEN concat(strftime('%Y-%m-%dT%H:%M:%S', substr(${t}, 1, 19), ?5), substr(${t}, 20, 4), 'Z","timestamp_zone":"', ?6)`;
  return `CASE WHEN octet_length(${t}) = 24 THEN concat(${t}, '","timestamp_zone":"stated') ${local}
      ELSE concat(substr(${t}, 1, 23), 'Z","timestamp_zone":"assumed_utc') END`;
}

/**
 * Matches `2026-03-16T14:03:05.123Z` and `2026-03-16T14:03:05.123456` from 1970 on. `date` checks the digits and ranges, but
 * accepts 24:00. It also accepts 30 February, but returns a different date. The length is counted in bytes, because GLOB stops at
 * a NUL. The last condition also excludes blobs, which compare as greater than text. `+` prevents a numeric column from
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
 * Returns SQL that is true if neither column is a blob. It relies on blobs comparing as greater than any other value, because a
 * comparison costs half as much as `typeof`.
 */
function isNoBytes(one: string, other: string): string {
  return `(${one} < x'' AND ${other} < x'') IS NOT 0`;
}

/**
 * Returns SQL that is true for NULL and for numbers in range. Text and blobs compare as greater than any number, and infinities
 * are out of range.
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
  return `(${weather} IS NULL OR typeof(${weather}) = 'text' AND octet_length(${weather}) <= ${TEXT_LENGTH_MAX} AND ${weather} NOT GLOB '*[{[/:=]*' AND instr(${weather}, char(0)) = 0)`;
}
