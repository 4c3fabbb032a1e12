import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { isExportError } from '../platform/errors.ts';
import type { CollectContext } from './collector.ts';
import type { SourceOutcome } from './policy/source-outcomes.ts';

/** The column names of each field in all versions, the most specific name first. */
export type ColumnAliases<Field extends string> = Readonly<Record<Field, readonly string[]>>;

/**
 * A table in a source database. `columns` maps each known field to its quoted column, or to `NULL` if the table has no such
 * column.
 */
export interface SourceTable<Field extends string> {
  readonly db: DatabaseSync;
  /** Name of the table, quoted for SQL. */
  readonly table: string;
  readonly columns: Readonly<Record<Field, string>>;
  has(field: Field): boolean;
  /** True if the field's column is the rowid. A rowid is never NULL and always an integer. */
  isRowid(field: Field): boolean;
}

/** The opened table, or the outcome if there is no table to read. */
export type OpenedTable<Field extends string> =
  | { readonly kind: 'table'; readonly table: SourceTable<Field> }
  | { readonly kind: 'outcome'; readonly outcome: SourceOutcome };

/**
 * Opens the database `name` below the boat's root and inspects its table `tableName`. The caller closes `table.db`. A file
 * that does not exist is `source_missing`, a file of 0 bytes or without the table is `empty`, and a table without any known
 * column is `schema_unknown`.
 */
export function openSourceTable<Field extends string>(
  context: CollectContext,
  name: string,
  tableName: string,
  aliases: ColumnAliases<Field>,
): OpenedTable<Field> {
  let db: DatabaseSync | undefined;
  try {
    db = context.databases.openSource(join(context.paths.root, name));
    if (db === undefined) return { kind: 'outcome', outcome: { state: 'source_missing' } };
    const found = db
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(tableName)
      .map((column) => String(column['name']));
    const rowidName = db.prepare(ROWID_COLUMN).get({ table: tableName })?.['name'];
    const table = toSourceTable(db, tableName, found, rowidName, aliases);
    if (table !== undefined) return { kind: 'table', table };
    db.close();
    const outcome: SourceOutcome =
      found.length === 0
        ? { state: 'empty' }
        : { state: 'schema_unknown', detail: `${name}: no known column in table ${tableName}` };
    return { kind: 'outcome', outcome };
  } catch (error) {
    db?.close();
    return { kind: 'outcome', outcome: { state: 'error', detail: toSourceDetail(error, name, context) } };
  }
}

/**
 * Returns the column that is the rowid, if there is one. It is the only primary-key column, is declared INTEGER and has no
 * separate index (a DESC key has one).
 */
const ROWID_COLUMN = `SELECT max(name) AS name FROM pragma_table_info(:table) WHERE pk > 0
  HAVING count(*) = 1 AND max(upper(type)) = 'INTEGER'
  AND NOT EXISTS (SELECT 1 FROM pragma_index_list(:table) WHERE origin = 'pk')`;

function toSourceTable<Field extends string>(
  db: DatabaseSync,
  tableName: string,
  found: readonly string[],
  rowidName: unknown,
  aliases: ColumnAliases<Field>,
): SourceTable<Field> | undefined {
  const columns: Partial<Record<Field, string>> = {};
  const known = new Set<Field>();
  // `Object.keys` does not keep the type of the keys.
  for (const field of Object.keys(aliases) as Field[]) {
    const column = aliases[field]
      .map((alias) => found.find((name) => name.toLowerCase() === alias))
      .find(Boolean);
    columns[field] = column === undefined ? 'NULL' : quoteName(column);
    if (column !== undefined) known.add(field);
  }
  if (known.size === 0) return undefined;
  return {
    db,
    table: quoteName(tableName),
    // The loop above set every field.
    columns: columns as Record<Field, string>,
    has: (field) => known.has(field),
    isRowid: (field) => typeof rowidName === 'string' && columns[field] === quoteName(rowidName),
  };
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Descriptions of the SQLite result codes on which the owner can act. */
const SQLITE_MEANINGS: Readonly<Record<number, string>> = {
  5: 'is locked by the program that writes it',
  6: 'is locked by the program that writes it',
  10: 'cannot be read from the disk',
  11: 'is damaged',
  14: 'cannot be opened',
  26: 'is not a SQLite database',
};

/**
 * Returns a human-readable description, without a path, of a failure to read a source database. Rethrows any error that
 * comes neither from SQLite nor from the disk, because it is a bug.
 */
export function toSourceDetail(error: unknown, name: string, context: CollectContext): string {
  if (isExportError(error))
    return `${name}: ${error.message.replaceAll(`${context.paths.root}/`, '')} (${error.code})`;
  if (error instanceof Error && 'errcode' in error && typeof error.errcode === 'number') {
    const meaning = SQLITE_MEANINGS[error.errcode & 0xff] ?? `failed: ${error.message}`;
    return `${name} ${meaning} (SQLite ${error.errcode})`;
  }
  if (error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')
    return `${name}: a row number is beyond 2^53`;
  throw error;
}

/** A value as node:sqlite returns it, with integers as bigint. */
export type SourceValue = SQLOutputValue;

/**
 * Converts a source value to JSON. Integers beyond 2^53 and blobs become strings (`hex:…` for a blob that is not UTF-8),
 * and infinities become null. SQLite has already replaced invalid UTF-8 in text with U+FFFD.
 */
export function toJsonValue(value: SourceValue | undefined): string | number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') return value;
  return toText(value);
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return `hex:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
  }
}
