import type { DatabaseSync } from 'node:sqlite';

/** SQLite's primary result codes. The upper bits of `errcode` refine them. */
export const SQLITE_BUSY = 5;
export const SQLITE_LOCKED = 6;
export const SQLITE_READONLY = 8;
export const SQLITE_IOERR = 10;
export const SQLITE_CORRUPT = 11;
export const SQLITE_FULL = 13;
export const SQLITE_CANTOPEN = 14;
export const SQLITE_TOOBIG = 18;
export const SQLITE_NOTADB = 26;
/** Extended result code for a shared-memory file that could not grow because the disk was full. */
export const SQLITE_IOERR_SHMSIZE = 4874;

/**
 * Returns SQLite's extended result code from an error or its `cause`, or undefined if the error does not come from SQLite.
 */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode;
  return sqliteCode(error.cause);
}

/** Returns true if SQLite reports that the file is damaged or not a database. Retrying does not help. */
export function isDamagedDatabase(error: unknown): boolean {
  const primary = (sqliteCode(error) ?? 0) & 0xff;
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
}

/**
 * Runs `PRAGMA quick_check`, which does not compare indexes with their tables. Returns `ok`, or the first damage that it finds.
 */
export function quickCheck(db: DatabaseSync): string {
  return String(db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']);
}
