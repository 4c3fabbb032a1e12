import assert from 'node:assert/strict';
import { accessSync, closeSync, constants, openSync, readSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { createDiskFull, createDiskReadOnly, toDiskError } from './disk-error.ts';
import { isNotFound, systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';
import { hasSmallSchema } from './source-schema.ts';
import type { Databases, LedgerDatabase } from './ports.ts';

/**
 * Timeout for another connection's lock on the ledger. Only the daemon writes to the ledger, so the other connection can only be
 * a SQLite shell. Waiting blocks the whole daemon, but a failed export would be worse.
 */
const LEDGER_BUSY_MAX_MS = 2_000;

/** Timeout for a source's lock. A locked source is read at the next export. */
const SOURCE_BUSY_MAX_MS = 250;

/**
 * Maximum size of a value or row that SQLite reads from a source or computes from it, in bytes. A larger one fails with
 * SQLITE_TOOBIG before it is read, so that no source can exhaust the daemon's memory. Collectors never read values close to this
 * size. They measure values with `octet_length`, which is not subject to the limit.
 */
export const SOURCE_VALUE_MAX_BYTES = 32 * 1024 * 1024;

/**
 * WAL size at which a commit also checkpoints, in pages. It is large enough that most commits are a single sequential write, and
 * small enough that the 4 MiB checkpoint takes well under a second on an SD card.
 */
export const LEDGER_CHECKPOINT_PAGES = 1_000;

/**
 * Size to which the WAL is truncated after a checkpoint, in bytes. When the disk is full, small transactions can still commit in
 * this allocated space. Space beyond it, which a huge transaction may have used, is released.
 */
const LEDGER_WAL_KEPT_BYTES = 16 * 1024 * 1024;

/** Minimum value of `PRAGMA synchronous` at which SQLite syncs the WAL on every commit: 2 is FULL, 3 is EXTRA. */
const SYNCHRONOUS_FULL = 2;

/** Offset of the read version in a database file, and its value in WAL mode (SQLite file format §1.3.3). */
const READ_VERSION_OFFSET = 19;
const READ_VERSION_WAL = 2;

/** SQLite's primary result codes. The upper bits of `errcode` refine them. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_TOOBIG = 18;
const SQLITE_NOTADB = 26;
/** Extended result code for a shared-memory file that could not grow because the disk was full. */
const SQLITE_IOERR_SHMSIZE = 4874;

/** A ledger's steps, in order: `opened` once, then `begin`, `commit` (about to) and `committed` for each transaction. */
export type LedgerStep = 'opened' | 'begin' | 'commit' | 'committed';

/** Called before each step takes effect, and right after `opened` and `committed`. If it throws, the step fails. */
export type LedgerObserver = (step: LedgerStep, db: DatabaseSync) => void;

/** Creates the machine's databases. */
export function createDatabases(): Databases {
  return { openLedger: (path) => openLedgerDatabase(path), openSource: openSourceDatabase };
}

/**
 * Implements `Databases.openLedger`. Throws LEDGER_NOT_DURABLE if WAL or FULL is not available, and DISK_FULL, DISK_READ_ONLY or
 * LEDGER_FAILED for other errors. If `isDamagedDatabase` returns true for the error, the file must be quarantined. `observer` is
 * called at every step, so that the simulator can cut power there.
 */
export function openLedgerDatabase(path: string, observer?: LedgerObserver): LedgerDatabase {
  const op = `open the ledger ${path}`;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: LEDGER_BUSY_MAX_MS, enableForeignKeyConstraints: true });
    db.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL');
    db.exec(
      `PRAGMA wal_autocheckpoint = ${LEDGER_CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LEDGER_WAL_KEPT_BYTES}`,
    );
    assertDurable(db, op);
    // Without write permission, SQLite would open the file for reading, and the error would not appear until the first change.
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    observer?.('opened', db);
  } catch (error) {
    db?.close();
    throw toLedgerError(error, op);
  }
  const connection: Connection = {
    db,
    path,
    // Prepared once, because SQLite would otherwise parse them in every transaction.
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    observer,
  };
  return {
    db,
    transaction: (work) => inTransaction(connection, work),
    close: () => {
      if (connection.db.isOpen) connection.db.close();
    },
  };
}

interface Connection {
  readonly db: DatabaseSync;
  readonly path: string;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly observer: LedgerObserver | undefined;
}

function inTransaction<T>(connection: Connection, work: () => T): T {
  const { db, path } = connection;
  const op = `write the ledger ${path}`;
  assert(!db.isTransaction, 'a ledger transaction was started within another');
  try {
    return attempt(connection, work);
  } catch (error) {
    const failure = rollBack(db, error);
    if (!isFull(failure) || !db.isOpen) throw toWriteError(failure, op, path);
  }
  // The WAL cannot grow. A checkpoint frees its space for the second attempt.
  try {
    db.exec('PRAGMA wal_checkpoint(RESTART)');
    return attempt(connection, work);
  } catch (error) {
    throw toWriteError(rollBack(db, error), op, path);
  }
}

/** Runs a transaction once. After an error the transaction may still be open. */
function attempt<T>({ db, begin, commit, observer }: Connection, work: () => T): T {
  observer?.('begin', db);
  begin.run();
  const result = work();
  assert(!(result instanceof Promise), "a ledger transaction's work must not be asynchronous");
  // SQLite ends the transaction on some errors. If the work catches one of these errors, it continues outside a transaction.
  assert(db.isTransaction, "a ledger transaction's work continued after SQLite had ended the transaction");
  observer?.('commit', db);
  commit.run();
  observer?.('committed', db);
  return result;
}

/**
 * Converts the error from a failed write. SQLite reports every operating system error as an I/O error, so this function checks
 * whether the file system has become read-only.
 */
function toWriteError(error: unknown, op: string, path: string): unknown {
  const isIoError = ((sqliteCode(error) ?? 0) & 0xff) === SQLITE_IOERR;
  if (!isIoError || !isReadOnly(dirname(path))) return toLedgerError(error, op);
  return createDiskReadOnly(op, error);
}

/** Checks the folder rather than the database, because closing a second handle to the database would release SQLite's locks. */
function isReadOnly(folder: string): boolean {
  try {
    const { atime, mtime } = statSync(folder);
    utimesSync(folder, atime, mtime);
    return false;
  } catch (error) {
    return systemCode(error) === 'EROFS';
  }
}

function isFull(error: unknown): boolean {
  const code = sqliteCode(error) ?? 0;
  return code === SQLITE_IOERR_SHMSIZE || (code & 0xff) === SQLITE_FULL;
}

/** Rolls back the open transaction, if there is one, and returns the error to report. */
function rollBack(db: DatabaseSync, error: unknown): unknown {
  if (!db.isOpen || !db.isTransaction) return error;
  try {
    db.exec('ROLLBACK');
    return error;
  } catch (rollbackError) {
    // The connection is unusable; closing it also ends its transaction.
    db.close();
    return new AggregateError([error, rollbackError], 'a ledger transaction failed, and so did its rollback');
  }
}

function assertDurable(db: DatabaseSync, op: string): void {
  const journalMode = db.prepare('PRAGMA journal_mode').get()?.['journal_mode'];
  const synchronous = db.prepare('PRAGMA synchronous').get()?.['synchronous'];
  if (journalMode === 'wal' && typeof synchronous === 'number' && synchronous >= SYNCHRONOUS_FULL) return;
  throw new ExportError(
    'LEDGER_NOT_DURABLE',
    `A power cut would lose ledger commits: journal_mode ${journalMode}, synchronous ${synchronous}`,
    { op, hint: 'Keep the exports folder on a local file system that supports shared memory files.' },
  );
}

/** Implements `Databases.openSource`. Reads from the source once, so that a damaged source fails here. */
function openSourceDatabase(path: string): DatabaseSync | undefined {
  const op = `open the source ${path}`;
  try {
    return openSourceFile(path, op);
  } catch (error) {
    // A SQLite error keeps its result code. Any other system error becomes a disk error.
    throw sqliteCode(error) === undefined ? toDiskError(error, op) : error;
  }
}

function openSourceFile(path: string, op: string): DatabaseSync | undefined {
  const facts = statOrAbsent(path);
  if (facts === undefined) return undefined;
  if (!hasSmallSchema(path))
    throw Object.assign(new Error('the schema is too large'), { errcode: SQLITE_TOOBIG });
  const hasWal = statOrAbsent(`${path}-wal`) !== undefined;
  const hasShm = statOrAbsent(`${path}-shm`) !== undefined;
  const isAtRest = !hasWal && isWalMode(path);
  if (isAtRest && !mayLeaveFilesBeside(path, facts.uid)) return openImmutable(path);
  // A crashed writer has left its WAL behind. Opening the database would create the WAL index as this user, and the database's
  // owner could then not write to it.
  if (hasWal && !hasShm && !mayLeaveFilesBeside(path, facts.uid))
    throw new ExportError(
      'DISK_FAILED',
      `The program that writes ${path} crashed and has not opened it since`,
      {
        op,
        hint: 'Start the service that writes this database, or run the export manager as the same user.',
      },
    );
  return openChecked(() => new DatabaseSync(path, { readOnly: true, timeout: SOURCE_BUSY_MAX_MS }));
}

/**
 * Returns true if opening the database may leave files behind. A reader of a WAL database creates missing `-wal` and `-shm`
 * files, and a read-only reader leaves them behind. They are harmless if this user owns the database, or if this user is root,
 * because SQLite then gives them to the database file's owner.
 */
function mayLeaveFilesBeside(path: string, ownerUid: number): boolean {
  const uid = process.geteuid?.();
  if (uid !== 0 && uid !== ownerUid) return false;
  try {
    accessSync(dirname(path), constants.W_OK);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false;
    throw error;
  }
}

/**
 * Opens a database so that only the database file is read, without locking and without creating files. This is correct for a WAL
 * database that has no writer and whose file contains all of its data. If a writer starts during a read, the read can fail or mix
 * two states.
 */
function openImmutable(path: string): DatabaseSync {
  const address = pathToFileURL(path);
  address.searchParams.set('immutable', '1');
  return openChecked(() => new DatabaseSync(address, { readOnly: true, timeout: SOURCE_BUSY_MAX_MS }));
}

function openChecked(open: () => DatabaseSync): DatabaseSync {
  const db = open();
  try {
    // Node before 24.15 has no limits.
    if ('limits' in db) db.limits.length = SOURCE_VALUE_MAX_BYTES;
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function isWalMode(path: string): boolean {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const byte = new Uint8Array(1);
    return readSync(file, byte, 0, 1, READ_VERSION_OFFSET) === 1 && byte[0] === READ_VERSION_WAL;
  } finally {
    closeSync(file);
  }
}

function statOrAbsent(path: string): { readonly uid: number } | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

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

/** Converts a SQLite error to an ExportError: DISK_FULL, DISK_READ_ONLY or LEDGER_FAILED. Returns any other error unchanged. */
export function toLedgerError(error: unknown, op: string): unknown {
  if (error instanceof ExportError) return error;
  if (error instanceof AggregateError)
    return new ExportError('LEDGER_FAILED', error.message, {
      op,
      cause: error,
      hint: 'Check the SD card or SSD and the kernel log, then restart the export manager.',
    });
  const code = sqliteCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (isFull(error)) return createDiskFull(op, error);
  if ((code & 0xff) === SQLITE_READONLY)
    return new ExportError('DISK_READ_ONLY', `The ledger cannot be changed: ${error.message}`, {
      op,
      cause: error,
      hint: 'Check that the file system is not read-only and that the export manager has permission to write to the ledger.',
    });
  return new ExportError('LEDGER_FAILED', `The ledger failed: ${error.message} (SQLite ${code})`, {
    op,
    cause: error,
    hint: hintFor(code & 0xff),
  });
}

function hintFor(primaryCode: number): string {
  switch (primaryCode) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return 'Another program has locked the ledger. Close that program: only the export manager may write to the ledger.';
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return 'The ledger is damaged. Restart the export manager, which quarantines the ledger and adopts the exports on the disk.';
    case SQLITE_CANTOPEN:
      return "Check that the ledger's folder exists and that the export manager has permission to write to it.";
    default:
      return 'Check the SD card or SSD and the kernel log.';
  }
}
