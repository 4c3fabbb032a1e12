import { strict as assert } from 'node:assert';
import type { Row } from '../platform/ports.ts';

// A column whose type differs from the cast in its statement is a bug, hence the assertions.

/** Returns the text in a column. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === 'string', `column ${column} is not text`);
  return value;
}

/** Returns the text in a column, or null. */
export function textOrNullOf(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

/** Returns the number in a column that the statement casts to int4 or float8. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  assert(typeof value === 'number', `column ${column} is not a number`);
  return value;
}

/** Returns the number in a column, or null. */
export function numberOrNullOf(row: Row, column: string): number | null {
  return row[column] === null ? null : numberOf(row, column);
}

/** Returns the boolean in a column. */
export function booleanOf(row: Row, column: string): boolean {
  const value = row[column];
  assert(typeof value === 'boolean', `column ${column} is not a boolean`);
  return value;
}

/** Returns SQL that formats a timestamp as ISO 8601 in UTC with milliseconds, which both drivers return unchanged. */
export function utcText(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/**
 * True for a time in the format of `utcText`. Date.parse alone would also accept times that PostgreSQL refuses, such as 30
 * February and the year 0.
 */
export function isUtcText(value: unknown): value is string {
  if (typeof value !== 'string' || value.startsWith('0000')) return false;
  const ms = Date.parse(value);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value;
}
