import assert from 'node:assert/strict';
import { statfsSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { createDiskFull, createDiskReadOnly, createNoInodes } from './disk-error.ts';
import { systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';
import type { Databases, LedgerDatabase } from './ports.ts';
import {
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_IOERR,
  SQLITE_IOERR_SHMSIZE,
  SQLITE_LOCKED,
  SQLITE_NOTADB,
  SQLITE_READONLY,
  sqliteCode,
} from './sqlite-code.ts';
import { createSourceOpener } from './sqlite-source.ts';
import { useAsWal } from './wal-from-ballast.ts';

/**
 * Timeout for another connection's lock on the ledger. Only the daemon writes to the ledger, so the other connection can only be
 * a SQLite shell. Waiting blocks the whole daemon, but a failed export would be worse.
 */
const LEDGER_BUSY_MAX_MS = 2_000;

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

/** A ledger's steps, in order: `opened` once, then `begin`, `commit` (about to) and `committed` for each transaction. */
export type LedgerStep = 'opened' | 'begin' | 'commit' | 'committed';

/** Called before each step takes effect, and right after `opened` and `committed`. If it throws, the step fails. */
export type LedgerObserver = (step: LedgerStep, db: DatabaseSync) => void;

/** Where SQLite keeps the index of the WAL. In the `-shm` file, it needs space. In memory, it excludes other connections. */
export type WalIndex = 'index in file' | 'index in memory';

/** Creates the machine's databases. */
export function createDatabases(): Databases {
  return {
    openLedger(path, ballast) {
      if (ballast === undefined) return openLedgerDatabase(path);
      const openInMemory = (): LedgerDatabase => openLedgerDatabase(path, undefined, 'index in memory');
      useAsWal(ballast, path, () => openInMemory().close());
      return openInMemory();
    },
    openSource: createSourceOpener(),
  };
}

/**
 * Implements `Databases.openLedger`. Throws LEDGER_NOT_DURABLE if WAL or FULL is not available, and DISK_FULL, DISK_NO_INODES,
 * DISK_READ_ONLY or LEDGER_FAILED for other errors. If `isDamagedDatabase` returns true for the error, the file must be quarantined. `observer` is
 * called at every step, so that the simulator can cut power there.
 */
export function openLedgerDatabase(
  path: string,
  observer?: LedgerObserver,
  walIndex: WalIndex = 'index in file',
): LedgerDatabase {
  const op = `open the ledger ${path}`;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: LEDGER_BUSY_MAX_MS, enableForeignKeyConstraints: true });
    if (walIndex === 'index in memory') db.exec('PRAGMA locking_mode = EXCLUSIVE');
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
    throw toOpenError(error, op, path);
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

/** Converts the error from opening the ledger. SQLite does not report why it could not create the WAL or its index. */
function toOpenError(error: unknown, op: string, path: string): unknown {
  const isNotOpened = ((sqliteCode(error) ?? 0) & 0xff) === SQLITE_CANTOPEN;
  return isNotOpened && hasNoInodes(dirname(path)) ? createNoInodes(op, error) : toLedgerError(error, op);
}

/** A file system without a fixed number of inodes reports 0 of 0. */
function hasNoInodes(folder: string): boolean {
  try {
    const { files, ffree } = statfsSync(folder);
    return files > 0 && ffree === 0;
  } catch {
    return false;
  }
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
