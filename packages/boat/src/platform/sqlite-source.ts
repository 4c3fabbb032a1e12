import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { toDiskError } from './disk-error.ts';
import { isNotFound, systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';
import { hasSmallSchema } from './source-schema.ts';
import { SQLITE_TOOBIG, sqliteCode } from './sqlite-code.ts';

/** Timeout for a source's lock. A locked source is read at the next export. */
const SOURCE_BUSY_MAX_MS = 250;
/**
 * Maximum size of a value or row that SQLite reads from a source or computes from it, in bytes. A larger one fails with
 * SQLITE_TOOBIG before it is read, so that no source can exhaust the daemon's memory. Collectors never read values close to this
 * size. They measure values with `octet_length`, which is not subject to the limit.
 */
export const SOURCE_VALUE_MAX_BYTES = 32 * 1024 * 1024;
/** Offset of the read version in a database file, and its value in WAL mode (SQLite file format §1.3.3). */
const READ_VERSION_OFFSET = 19;
const READ_VERSION_WAL = 2;
/**
 * The number of open connections to each source, by the file's identity. When a process closes a file descriptor, the kernel releases
 * all of the process's locks on that file, even those of a SQLite connection. Therefore a source with an open connection is not read
 * through a separate descriptor.
 */
type SourceConnections = Map<string, number>;

/** A connection that is counted until it is closed. */
class CountedDatabase extends DatabaseSync {
  readonly #connections: SourceConnections;
  readonly #identity: string;

  constructor(path: string, identity: string, connections: SourceConnections) {
    super(path, { readOnly: true, timeout: SOURCE_BUSY_MAX_MS });
    this.#connections = connections;
    this.#identity = identity;
    connections.set(identity, (connections.get(identity) ?? 0) + 1);
  }

  override close(): void {
    super.close();
    const left = (this.#connections.get(this.#identity) ?? 0) - 1;
    if (left > 0) this.#connections.set(this.#identity, left);
    else this.#connections.delete(this.#identity);
  }
}

/** Returns a function that implements `Databases.openSource`. */
export function createSourceOpener(): (path: string) => DatabaseSync | undefined {
  const connections: SourceConnections = new Map();
  return (path) => openSourceDatabase(path, connections);
}

/** Reads from the source once, so that a damaged source fails here. */
function openSourceDatabase(path: string, connections: SourceConnections): DatabaseSync | undefined {
  const op = `open the source ${path}`;
  try {
    return openSourceFile(path, op, connections);
  } catch (error) {
    // A SQLite error keeps its result code. Any other system error becomes a disk error.
    throw sqliteCode(error) === undefined ? toDiskError(error, op) : error;
  }
}

function openSourceFile(path: string, op: string, connections: SourceConnections): DatabaseSync | undefined {
  const facts = statOrAbsent(path);
  if (facts === undefined) return undefined;
  const identity = `${facts.dev}:${facts.ino}`;
  const openCounted = (): DatabaseSync => openChecked(() => new CountedDatabase(path, identity, connections));
  // The schema was checked when the first connection was opened.
  if (connections.has(identity)) return openCounted();
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
  return openCounted();
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

function statOrAbsent(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
