import type { StatementSync } from 'node:sqlite';
import type { OddParts } from './source-notes.ts';
import { createDisorderedSource, type SourceTable, type SourceValue } from './source-table.ts';

/**
 * Maximum size of a value in a table whose rows become objects, in bytes. The longest known value, a model's answer about an
 * image, is a few kB. Human-readable strings are later truncated to 20,000 characters.
 */
export const VALUE_SIZE_MAX_BYTES = 256 * 1024;

/**
 * Size up to which values are read without being measured first, in bytes. An ordinary row's longest value, a model's answer
 * about an image, is smaller. A page of 64 rows with 18 values of this size takes 18 MiB.
 */
const SHORT_VALUE_MAX_BYTES = 16 * 1024;

/**
 * Total length of a page's values at which the page ends, in characters. 64 rows with 18 values of `VALUE_SIZE_MAX_BYTES` would
 * take 300 MB, and their lines as much again.
 */
const PAGE_LENGTH_MAX = 2 * 1024 * 1024;

/**
 * Number of rows read in one step. A step takes a few milliseconds, so its objects become garbage while they are still in V8's
 * young generation.
 */
const ROWS_AT_ONCE = 64;

/** A row and its rowid. The rowid is text, because it may exceed 2^53. */
export interface TableRow<Field extends string> {
  readonly position: string;
  readonly values: Readonly<Record<Field, SourceValue>>;
}

/**
 * Returns the next rows after a rowid, in rowid order: at least one, if there is one, and at most `ROWS_AT_ONCE`. Runs
 * synchronously in one read transaction.
 */
export type RowPages<Field extends string> = (after: string) => readonly TableRow<Field>[];

/** A position before the first row of any table. */
const BEFORE_ALL_ROWS = String(Number.MIN_SAFE_INTEGER);

/**
 * Reads a table's rows as objects. A value of more than `VALUE_SIZE_MAX_BYTES` is never read: it counts as NULL and is added to
 * `odd`. SQLite enforces a limit of `SHORT_VALUE_MAX_BYTES` per value while it reads a page. Only a page with a longer value is
 * read again, with a statement that measures every value and takes twice as long. A page that is read again ends once it reaches
 * `PAGE_LENGTH_MAX`.
 */
export function createRowPages<Field extends string>(
  table: SourceTable<Field>,
  fields: readonly Field[],
  odd: OddParts,
): RowPages<Field> {
  const { db, columns } = table;
  const isLong = (field: Field): string => `octet_length(${columns[field]}) > ${VALUE_SIZE_MAX_BYTES}`;
  const select = (toColumn: (field: Field) => string, tooLong: string): StatementSync => {
    const selected = fields.map((field) => `${toColumn(field)} AS ${field}`).join(', ');
    const statement = db.prepare(
      `SELECT CAST(rowid AS TEXT) AS row_position, ${tooLong} AS too_long, ${selected} FROM ${table.table}
       WHERE rowid > CAST(? AS INTEGER) ORDER BY rowid LIMIT ${ROWS_AT_ONCE}`,
    );
    statement.setReadBigInts(true);
    return statement;
  };
  const whole = select((field) => columns[field], 'NULL');
  const longFields = fields.map((field) => `WHEN ${isLong(field)} THEN '${field}'`).join(' ');
  const measured = select(
    (field) => `CASE WHEN ${isLong(field)} THEN NULL ELSE ${columns[field]} END`,
    `CASE ${longFields} END`,
  );
  return (after) => {
    const rows = allWithin(table, whole, after) ?? readLong(measured, after);
    return rows.map((row) => {
      const position = String(row['row_position']);
      if (row['too_long'] !== null)
        odd.add(
          `row ${position}, column ${String(row['too_long'])}`,
          `has more than ${VALUE_SIZE_MAX_BYTES} bytes`,
        );
      // The statement selects exactly these columns.
      return { position, values: row as Readonly<Record<Field, SourceValue>> };
    });
  };
}

/** SQLite result code for a value that exceeds the limit. */
const SQLITE_TOOBIG = 18;

/**
 * Returns the rows, or undefined if one of their values is too long. Node versions before 24.15 cannot limit the length of
 * values.
 */
function allWithin(
  { db }: Pick<SourceTable<string>, 'db'>,
  statement: StatementSync,
  after: string,
): ReturnType<StatementSync['all']> | undefined {
  if (!('limits' in db)) return undefined;
  const { limits } = db;
  const before = limits.length;
  limits.length = SHORT_VALUE_MAX_BYTES;
  try {
    return statement.all(after);
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_TOOBIG) return undefined;
    throw error;
  } finally {
    limits.length = before;
  }
}

/** Returns the rows up to `PAGE_LENGTH_MAX`, but at least one if there is one. */
function readLong(statement: StatementSync, after: string): ReturnType<StatementSync['all']> {
  const rows: ReturnType<StatementSync['all']> = [];
  let length = 0;
  for (const row of statement.iterate(after)) {
    rows.push(row);
    for (const value of Object.values(row))
      if (typeof value === 'string' || value instanceof Uint8Array) length += value.length;
    if (length >= PAGE_LENGTH_MAX) break;
  }
  return rows;
}

/**
 * Yields a table's pages in rowid order. Once `signal` is aborted, throws its reason between pages. Throws a damaged-source error
 * if a page does not advance, because pages would otherwise be yielded endlessly.
 */
export function* eachPage<Field extends string>(
  readPage: RowPages<Field>,
  signal: AbortSignal,
): Generator<readonly TableRow<Field>[], void, void> {
  let position = BEFORE_ALL_ROWS;
  for (;;) {
    signal.throwIfAborted();
    const rows = readPage(position);
    const last = rows.at(-1);
    if (last === undefined) return;
    if (BigInt(last.position) <= BigInt(position)) throw createDisorderedSource();
    position = last.position;
    yield rows;
  }
}
