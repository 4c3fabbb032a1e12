import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { type CategoryState, type ExactNumber, toExactInteger } from '@d3kos/protocol';
import { createNotAFile, toDiskReason } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import type { CollectContext } from './collector.ts';
import type { SourceOutcome } from './policy/source-outcomes.ts';

/** Each field's column names in all versions, most specific first. */
export type ColumnAliases<Field extends string> = Readonly<Record<Field, readonly string[]>>;

/** The databases that may contain a table, as paths below the boat's root, and the table's columns. */
export interface SourceDatabases {
  readonly names: readonly string[];
  readonly table: string;
  readonly aliases: ColumnAliases<string>;
}

/**
 * A table in a source database. `columns` maps each known field to its quoted column, or to `NULL` if the table has no such
 * column.
 */
export interface SourceTable<Field extends string> {
  readonly db: DatabaseSync;
  /** The table's name, quoted for SQL. */
  readonly table: string;
  readonly columns: Readonly<Record<Field, string>>;
  has(field: Field): boolean;
  /** Returns the name of the field's column in lower case, or undefined if the table has no such column. */
  columnOf(field: Field): string | undefined;
  /** True if the field's column is the rowid. A rowid is never NULL and always an integer. */
  isRowid(field: Field): boolean;
  /** Names the known columns that are not read because they are generated. Undefined if there are none. */
  readonly unread: string | undefined;
}

/** The parts of a collection's context that are needed to open a source. */
export type SourceAccess = Pick<CollectContext, 'paths' | 'disk' | 'databases'>;

/** The opened table, or the outcome if there is no table to read. */
export type OpenedTable<Field extends string> =
  | { readonly kind: 'table'; readonly table: SourceTable<Field> }
  | { readonly kind: 'outcome'; readonly outcome: SourceOutcome };

/**
 * Opens the database `name` below the boat's root and inspects its table `tableName`. The caller must close `table.db`. A file
 * that does not exist is `source_missing`, a file of 0 bytes or without the table is `empty`, and a table without any known
 * column is `schema_unknown`. Only ordinary tables are read: querying a view or virtual table may never end, and a table WITHOUT
 * ROWID cannot be paged. Generated columns are not read either, because computing them may never end.
 */
export async function openSourceTable<Field extends string>(
  context: SourceAccess,
  name: string,
  tableName: string,
  aliases: ColumnAliases<Field>,
): Promise<OpenedTable<Field>> {
  let db: DatabaseSync | undefined;
  try {
    db = await openSourceFile(context, name);
    if (db === undefined) return toNoTable('source_missing');
    const shape = inspectShape(db, tableName);
    const table = typeof shape === 'object' ? toSourceTable(db, tableName, shape, aliases) : undefined;
    if (table !== undefined) return { kind: 'table', table };
    db.close();
    if (shape === undefined) return toNoTable('empty');
    const why = typeof shape === 'string' ? shape : 'has no known column';
    return toNoTable('schema_unknown', `${name}: table ${tableName} ${why}`);
  } catch (error) {
    db?.close();
    return toNoTable('error', toSourceDetail(error, name, context));
  }
}

function toNoTable(
  state: CategoryState,
  detail?: string,
): { readonly kind: 'outcome'; readonly outcome: SourceOutcome } {
  return { kind: 'outcome', outcome: detail === undefined ? { state } : { state, detail } };
}

/**
 * Opens the database `name` below the boat's root, or returns undefined if it does not exist. The disk port, whose operations
 * have a deadline, examines the file first, because SQLite would wait for a pipe or for a file system that does not answer.
 */
async function openSourceFile(context: SourceAccess, name: string): Promise<DatabaseSync | undefined> {
  const path = join(context.paths.root, name);
  const facts = await context.disk.stat(path, 'follow');
  if (facts === undefined) return undefined;
  if (facts.kind !== 'file') throw createNotAFile(path, facts.kind, `open the source ${path}`);
  return context.databases.openSource(path);
}

/** An ordinary table's columns. */
interface TableShape {
  readonly names: readonly string[];
  /** Generated columns, which are not read. */
  readonly generated: readonly string[];
  /** The column that is the rowid, or undefined if there is none. */
  readonly rowidName: string | undefined;
}

/**
 * Returns the shape of an ordinary table, the reason why another kind of table is not read, or undefined if there is no table.
 */
function inspectShape(db: DatabaseSync, tableName: string): TableShape | string | undefined {
  // Unlike a view or a virtual table, an ordinary table has a root page.
  const found = db
    .prepare(
      "SELECT type, rootpage > 0 AS is_ordinary FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
    )
    .get(tableName);
  if (found === undefined) return undefined;
  if (found['type'] === 'view') return 'is a view, and only ordinary tables are read';
  if (found['is_ordinary'] !== 1) return 'is a virtual table, and only ordinary tables are read';
  if (db.prepare('SELECT wr FROM pragma_table_list(?)').get(tableName)?.['wr'] === 1)
    return 'is a table WITHOUT ROWID, which is not supported';
  const columns = db.prepare('SELECT name, hidden FROM pragma_table_xinfo(?)').all(tableName);
  const names = columns.filter(({ hidden }) => hidden === 0).map((column) => String(column['name']));
  const generated = columns.filter(({ hidden }) => hidden !== 0).map((column) => String(column['name']));
  const rowidName = db.prepare(ROWID_COLUMN).get({ table: tableName })?.['name'];
  const isHidden = [...names, ...generated].some(
    (name) => name.toLowerCase() === 'rowid' && name !== rowidName,
  );
  if (isHidden) return 'has a column named rowid that is not its row ID, which is not supported';
  return { names, generated, rowidName: typeof rowidName === 'string' ? rowidName : undefined };
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
  { names, generated, rowidName }: TableShape,
  aliases: ColumnAliases<Field>,
): SourceTable<Field> | undefined {
  const columns: Partial<Record<Field, string>> = {};
  const known = new Map<Field, string>();
  // `Object.keys` does not keep the type of the keys.
  for (const field of Object.keys(aliases) as Field[]) {
    const column = aliases[field]
      .map((alias) => names.find((name) => name.toLowerCase() === alias))
      .find(Boolean);
    columns[field] = column === undefined ? 'NULL' : quoteName(column);
    if (column !== undefined) known.set(field, column.toLowerCase());
  }
  if (known.size === 0) return undefined;
  const unread = generated.filter((name) => isAlias(aliases, name));
  return {
    db,
    table: quoteName(tableName),
    // The loop above set every field.
    columns: columns as Record<Field, string>,
    has: (field) => known.has(field),
    columnOf: (field) => known.get(field),
    isRowid: (field) => rowidName !== undefined && columns[field] === quoteName(rowidName),
    unread:
      unread.length === 0
        ? undefined
        : `generated columns of ${tableName} are not read: ${unread.join(', ')}`,
  };
}

function isAlias<Field extends string>(aliases: ColumnAliases<Field>, name: string): boolean {
  return Object.values<readonly string[]>(aliases).some((names) => names.includes(name.toLowerCase()));
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Descriptions of SQLite errors that the owner may be able to resolve, by result code. */
const SQLITE_MEANINGS: Readonly<Record<number, string>> = {
  5: 'is locked by the program that writes it',
  6: 'is locked by the program that writes it',
  10: 'cannot be read from the disk',
  11: 'is damaged',
  14: 'cannot be opened',
  18: 'has a value or a schema that is too large to read',
  26: 'is not a SQLite database',
};

/** SQLite result code for a damaged database. */
const SQLITE_CORRUPT = 11;

/**
 * Creates the error for a table whose rows are not in row ID order. SQLite does not detect this damage when it reads a range. If
 * a page tree refers to the same page several times, the table's rows can be endless.
 */
export function createDisorderedSource(): Error {
  return Object.assign(new Error('the rows are not in the order of their row IDs'), {
    errcode: SQLITE_CORRUPT,
  });
}

/**
 * Describes why a source database could not be read, in human-readable form and without a path. Rethrows any error that comes
 * neither from SQLite nor from the disk, because it is a bug.
 */
export function toSourceDetail(error: unknown, name: string, context: SourceAccess): string {
  if (isExportError(error))
    return error.cause === undefined
      ? `${name}: ${error.message.replaceAll(`${context.paths.root}/`, '')} (${error.code})`
      : `${name} ${toDiskReason(error)}`;
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

/** A source value in JSON. */
export type JsonScalar = string | number | ExactNumber | null;

/**
 * Converts a source value to JSON. Integers keep all their digits. Blobs become strings (`hex:…` for a blob that is not UTF-8),
 * and infinities become null. SQLite has already replaced invalid UTF-8 in text with U+FFFD.
 */
export function toJsonValue(value: SourceValue | undefined): JsonScalar {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : toExactInteger(value);
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
