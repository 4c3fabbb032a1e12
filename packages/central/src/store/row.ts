import { strict as assert } from 'node:assert';
import type { Row } from '../platform/ports.ts';

// A column of another type than its statement's cast promises is our own mistake, hence assertions.

/** The text in a column. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === 'string', `column ${column} is not text`);
  return value;
}

/** The text in a column, or null. */
export function textOrNullOf(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

/** The number in a column that the statement casts to int4 or float8. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  assert(typeof value === 'number', `column ${column} is not a number`);
  return value;
}

/** The number in a column, or null. */
export function numberOrNullOf(row: Row, column: string): number | null {
  return row[column] === null ? null : numberOf(row, column);
}

/** The boolean in a column. */
export function booleanOf(row: Row, column: string): boolean {
  const value = row[column];
  assert(typeof value === 'boolean', `column ${column} is not a boolean`);
  return value;
}

/** SQL that gives a timestamp as ISO 8601 in UTC with milliseconds: the one form both drivers agree on. */
export function utcText(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
