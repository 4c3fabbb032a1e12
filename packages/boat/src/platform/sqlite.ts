import assert from 'node:assert/strict';
import { accessSync, closeSync, constants, openSync, readSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { READ_ONLY_HINT } from './disk.ts';
import { systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';
import type { Databases, LedgerDatabase } from './ports.ts';

/**
 * Longest the ledger waits for another connection's lock. Only the daemon writes it, so a lock is a person's
 * SQLite shell; the wait stops the whole daemon, and failing an export is worse than that.
 */
const LEDGER_BUSY_MAX_MS = 2_000;

/** Longest a source's lock is waited for. Sources are read every few hours: a busy one is read next time. */
const SOURCE_BUSY_MAX_MS = 250;

/**
 * WAL size at which a commit also checkpoints. Large enough that a commit is one sequential write, small enough
 * that the checkpoint of 4 MiB takes well under a second on an SD card.
 */
export const LEDGER_CHECKPOINT_PAGES = 1_000;

/**
 * WAL bytes kept after a checkpoint. They are space already allocated, in which small transactions still commit
 * when the disk is full; what one huge transaction grew beyond this is given back.
 */
const LEDGER_WAL_KEPT_BYTES = 16 * 1024 * 1024;

/** `PRAGMA synchronous` values from this one up sync the WAL at every commit: 2 is FULL, 3 EXTRA. */
const SYNCHRONOUS_FULL = 2;

/** Where a database file says that it is in WAL mode, and the value that says so (SQLite file format §1.3.3). */
const READ_VERSION_OFFSET = 19;
const READ_VERSION_WAL = 2;

/** Primary result codes of SQLite; the upper bits of `errcode` refine them. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
/** Extended code of a shared-memory file that could not grow, which is a full disk. */
const SQLITE_IOERR_SHMSIZE = 4874;

/** Moments of a ledger, in order: `opened` once, then for each transaction `begin`, `commit` (about to), `committed`. */
export type LedgerStep = 'opened' | 'begin' | 'commit' | 'committed';

/** Is told each step before it has an effect (`opened` and `committed`: right after); an error it throws is the step's. */
export type LedgerObserver = (step: LedgerStep, db: DatabaseSync) => void;

/** The machine's databases. */
export function createDatabases(): Databases {
  return { openLedger: (path) => openLedgerDatabase(path), openSource: openSourceDatabase };
}

/**
 * Opens the ledger as `Databases.openLedger` promises. Throws LEDGER_NOT_DURABLE where WAL or FULL cannot be had,
 * DISK_FULL, DISK_READ_ONLY, and LEDGER_FAILED otherwise (`isDamagedDatabase` tells a file that has to be moved
 * aside). `observer` is the simulator's.
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
    // Without permission to write, SQLite opens for reading and only the first change would tell.
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    observer?.('opened', db);
  } catch (error) {
    db?.close();
    throw toLedgerError(error, op);
  }
  const connection: Connection = {
    db,
    path,
    // Prepared once: each commit would parse them anew.
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
  assert(!db.isTransaction, 'a ledger transaction was begun within another');
  try {
    return attempt(connection, work);
  } catch (error) {
    const failure = rollBack(db, error);
    if (!isFull(failure) || !db.isOpen) throw toWriteError(failure, op, path);
  }
  // The WAL cannot grow: what is in it goes into the database, and the transaction into the space that leaves.
  try {
    db.exec('PRAGMA wal_checkpoint(RESTART)');
    return attempt(connection, work);
  } catch (error) {
    throw toWriteError(rollBack(db, error), op, path);
  }
}

/** One try of a transaction; after a throw it may still be open. */
function attempt<T>({ db, begin, commit, observer }: Connection, work: () => T): T {
  observer?.('begin', db);
  begin.run();
  const result = work();
  assert(!(result instanceof Promise), 'the work of a ledger transaction must not be asynchronous');
  // SQLite ends a transaction by itself on some errors; work that caught one would go on outside of it.
  assert(db.isTransaction, 'the work of a ledger transaction went on after SQLite had ended it');
  observer?.('commit', db);
  commit.run();
  observer?.('committed', db);
  return result;
}

/** SQLite calls every refusal of the system an I/O error; a file system that takes no change any more is told apart. */
function toWriteError(error: unknown, op: string, path: string): unknown {
  const isIoError = ((sqliteCode(error) ?? 0) & 0xff) === SQLITE_IOERR;
  if (!isIoError || !isReadOnly(dirname(path))) return toLedgerError(error, op);
  return new ExportError('DISK_READ_ONLY', `The file system is read-only: ${op}`, {
    op,
    cause: error,
    hint: READ_ONLY_HINT,
  });
}

/** Asked of the folder: closing a second handle of the database would let go of SQLite's locks. */
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

/** Undoes the open transaction, if there is one, and gives the error to report. */
function rollBack(db: DatabaseSync, error: unknown): unknown {
  if (!db.isOpen || !db.isTransaction) return error;
  try {
    db.exec('ROLLBACK');
    return error;
  } catch (rollbackError) {
    // The connection is of no more use; closing it undoes what it left open.
    db.close();
    return new AggregateError([error, rollbackError], 'a ledger transaction failed and so did its rollback');
  }
}

function assertDurable(db: DatabaseSync, op: string): void {
  const journalMode = db.prepare('PRAGMA journal_mode').get()?.['journal_mode'];
  const synchronous = db.prepare('PRAGMA synchronous').get()?.['synchronous'];
  if (journalMode === 'wal' && typeof synchronous === 'number' && synchronous >= SYNCHRONOUS_FULL) return;
  throw new ExportError(
    'LEDGER_NOT_DURABLE',
    `The ledger would lose commits at a power cut: journal_mode ${journalMode}, synchronous ${synchronous}`,
    { op, hint: 'Keep the exports folder on a local file system that supports shared memory files.' },
  );
}

/** Opens a source as `Databases.openSource` promises, and reads from it once, so that what is wrong with it shows here. */
function openSourceDatabase(path: string): DatabaseSync | undefined {
  const facts = statOrAbsent(path);
  if (facts === undefined) return undefined;
  const hasWal = statOrAbsent(`${path}-wal`) !== undefined;
  const hasShm = statOrAbsent(`${path}-shm`) !== undefined;
  const isAtRest = !hasWal && isWalMode(path);
  if (isAtRest && !mayLeaveFilesBeside(path, facts.uid)) return openImmutable(path);
  // A crashed writer left its WAL: the index of it would be ours, and its owner could not write it.
  if (hasWal && !hasShm && !mayLeaveFilesBeside(path, facts.uid))
    throw new ExportError(
      'DISK_FAILED',
      `${path} was left by a crash and its writer has not opened it since`,
      {
        op: `open the source ${path}`,
        hint: 'Start the service that writes this database, or let the export manager run as the same user.',
      },
    );
  return openChecked(() => new DatabaseSync(path, { readOnly: true, timeout: SOURCE_BUSY_MAX_MS }));
}

/**
 * A reader of a WAL database makes `-wal` and `-shm` files where there are none, and a read-only one leaves them
 * behind. Beside a database of our own user, or made by root (SQLite then gives them to the owner), they are harmless.
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
 * Reads the file alone, without locks and without making files. Right for a WAL database whose writer has gone and
 * whose content is all in the file. A writer that comes back during a read can make that read fail or mix two states.
 */
function openImmutable(path: string): DatabaseSync {
  const address = pathToFileURL(path);
  address.searchParams.set('immutable', '1');
  return openChecked(() => new DatabaseSync(address, { readOnly: true, timeout: SOURCE_BUSY_MAX_MS }));
}

function openChecked(open: () => DatabaseSync): DatabaseSync {
  const db = open();
  try {
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
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** SQLite's extended result code of an error, looked for through `cause`; undefined where the error is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode;
  return sqliteCode(error.cause);
}

/** True where SQLite found that the file is damaged or not a database: no retry will read it. */
export function isDamagedDatabase(error: unknown): boolean {
  const primary = (sqliteCode(error) ?? 0) & 0xff;
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
}

/** What SQLite reports as an ExportError (DISK_FULL, DISK_READ_ONLY, LEDGER_FAILED); any other error as it is. */
export function toLedgerError(error: unknown, op: string): unknown {
  if (error instanceof ExportError) return error;
  if (error instanceof AggregateError)
    return new ExportError('LEDGER_FAILED', error.message, {
      op,
      cause: error,
      hint: 'Check the SD card or SSD and the kernel log; the export manager has to be restarted.',
    });
  const code = sqliteCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (isFull(error))
    return new ExportError('DISK_FULL', `No space left: ${op}`, {
      op,
      cause: error,
      hint: 'Free space on this file system. Exports that wait for delivery are kept.',
    });
  if ((code & 0xff) === SQLITE_READONLY)
    return new ExportError('DISK_READ_ONLY', `The ledger cannot be changed: ${error.message}`, {
      op,
      cause: error,
      hint: 'Check that the file system is not read-only and that the export manager may write the ledger.',
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
      return 'Another program holds the ledger: close it. Only the export manager may write it.';
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return 'The ledger is damaged: restart the export manager, which moves it aside and adopts the exports on disk.';
    case SQLITE_CANTOPEN:
      return 'Check that the folder of the ledger is there and that the export manager may write in it.';
    default:
      return 'Check the SD card or SSD and the kernel log.';
  }
}
