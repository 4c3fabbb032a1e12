import { CentralFailure, type CentralFailureCode, isCentralFailure } from './errors.ts';

/** A failure that an operator can tell apart from others: its code, what happened, and what to do. */
interface KnownFailure {
  readonly code: CentralFailureCode;
  readonly what: string;
  readonly hint: string;
}

const LOGIN_REFUSED: KnownFailure = {
  code: 'STORE_LOGIN_REFUSED',
  what: 'the database refused the login',
  hint: "check the user and the password in DATABASE_URL, and the server's pg_hba.conf",
};

const RIGHT_MISSING: KnownFailure = {
  code: 'STORE_RIGHT_MISSING',
  what: 'the login of DATABASE_URL lacks a privilege',
  hint: 'run `d3kos-central migrate` once with a DATABASE_URL for the owner of the database, and then, as the owner, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO login`; or let the login create the tables with `GRANT CREATE, USAGE ON SCHEMA public TO login`',
};

const SERVER_FILE_REFUSED: KnownFailure = {
  code: 'STORE_RIGHT_MISSING',
  what: 'the database server is not allowed to open one of its own files',
  hint: 'make the account that runs PostgreSQL the owner of its data folder and of every file in it',
};

const CONNECTIONS_EXHAUSTED: KnownFailure = {
  code: 'STORE_CONNECTIONS_EXHAUSTED',
  what: 'the database has no free connection',
  hint: "raise the server's max_connections or the login's limits, run fewer nodes, or put a connection pooler in transaction mode in front of the server",
};

const FILES_EXHAUSTED: KnownFailure = {
  code: 'FILES_EXHAUSTED',
  what: 'the limit of open files is reached',
  hint: 'raise the limit of open files (LimitNOFILE= in the unit, `ulimit -n`, or fs.file-max), and look for a program on this machine that keeps files open',
};

const SLOW: KnownFailure = {
  code: 'STORE_SLOW',
  what: 'the database did not finish a statement in time',
  hint: "look in pg_stat_activity for a program that holds a lock, such as a schema change, and check the server's load and disk",
};

/** SQLSTATE of a statement that waited longer than `lock_timeout` for a lock. */
const LOCK_NOT_AVAILABLE = '55P03';

/** Failures by the SQLSTATE that the server or a pooler sent. Source: PostgreSQL documentation, appendix A. */
const KNOWN_BY_STATE: ReadonlyMap<string, KnownFailure> = new Map([
  ['28000', LOGIN_REFUSED],
  ['28P01', LOGIN_REFUSED],
  [
    '3D000',
    {
      code: 'STORE_DATABASE_MISSING',
      what: 'the database of DATABASE_URL does not exist',
      hint: 'create it with `createdb --encoding=UTF8 --template=template0 NAME`, or correct the name in DATABASE_URL',
    },
  ],
  [
    '08P01',
    {
      code: 'STORE_PROTOCOL_REFUSED',
      what: 'the server or a connection pooler refused the connection',
      hint: "remove the parameter named above from DATABASE_URL, or add it to ignore_startup_parameters in pgbouncer.ini; for any other message, see the pooler's log",
    },
  ],
  ['42501', RIGHT_MISSING],
  ['53000', FILES_EXHAUSTED],
  ['53300', CONNECTIONS_EXHAUSTED],
  [LOCK_NOT_AVAILABLE, SLOW],
  ['57014', SLOW],
  [
    '25006',
    {
      code: 'STORE_READ_ONLY',
      what: 'the database accepts no writes',
      hint: 'promote the standby, or point DATABASE_URL to the primary; if it is the primary, reset default_transaction_read_only',
    },
  ],
  [
    '53400',
    {
      code: 'STORE_DISK_FULL',
      what: 'the database is not allowed to use more space',
      hint: 'raise the server limit named above, such as temp_file_limit; the boats keep their exports meanwhile',
    },
  ],
  [
    '53100',
    {
      code: 'STORE_DISK_FULL',
      what: "the database's disk is full",
      hint: 'free space there, or enlarge it; if `df -h` shows free space, the inodes are used up (`df -i`), so remove files; in the meantime, the boats keep their exports',
    },
  ],
]);

/**
 * SQLSTATE classes of failures after which a later attempt may succeed: connection (08), refused login (28), missing database
 * (3D), rollback for serialization or deadlock (40), insufficient resources such as a full disk (53), operator intervention such
 * as a shutdown or a statement timeout (57), and system errors outside PostgreSQL (58). Source: PostgreSQL documentation,
 * appendix A.
 */
const UNAVAILABLE_CLASSES: ReadonlySet<string> = new Set(['08', '28', '3D', '40', '53', '57', '58']);

/**
 * Codes of failures that persist until the operator has repaired the environment. Until then a node answers 503, and the boats
 * keep their exports.
 */
const UNAVAILABLE_CODES: ReadonlySet<CentralFailureCode> = new Set<CentralFailureCode>([
  'STORE_UNAVAILABLE',
  'FILES_EXHAUSTED',
  ...[...KNOWN_BY_STATE.values()].map(({ code }) => code),
]);

/**
 * Converts a driver's error to a CentralFailure. An error without an SQLSTATE did not come from the server. The connection was
 * refused, lost or silent, and the same statement may succeed later.
 */
export function toStoreFailure(error: unknown, op: string): CentralFailure {
  if (isCentralFailure(error)) return error;
  const state = sqlStateOf(error);
  const message = withoutValue(error instanceof Error ? error.message : String(error), state);
  const known = findKnown(error, state, message);
  if (known !== undefined)
    return new CentralFailure(known.code, `${known.what}: ${message}`, {
      op,
      hint: known.hint,
      cause: error,
    });
  const isUnavailable = state === undefined || UNAVAILABLE_CLASSES.has(state.slice(0, 2));
  return isUnavailable
    ? new CentralFailure('STORE_UNAVAILABLE', `the database is not available: ${message}`, {
        op,
        hint: 'check that PostgreSQL is running and has free disk space, and that DATABASE_URL is correct',
        cause: error,
      })
    : new CentralFailure('STORE_FAILED', `the database refused a statement (${state}): ${message}`, {
        op,
        hint: 'this is a bug in central, or another program changed the database; see the log for the statement',
        cause: error,
      });
}

/** SQLSTATE class of a value that a column cannot hold. PostgreSQL's message quotes the value, which may be a boat's record. */
const DATA_EXCEPTION = '22';

/** Removes the quoted value from the message, because logs must not contain boats' records. */
function withoutValue(message: string, state: string | undefined): string {
  return state?.startsWith(DATA_EXCEPTION) === true ? message.replace(/".*"/s, '"(value)"') : message;
}

function findKnown(error: unknown, state: string | undefined, message: string): KnownFailure | undefined {
  if (state === undefined) {
    if (hasNoFileLeft(error)) return FILES_EXHAUSTED;
    return message === READ_TIMEOUT ? SLOW : undefined;
  }
  // PostgreSQL also reports 42501 for a file that the system did not allow it to open.
  if (state === '42501' && /^could not .*: Permission denied$/.test(message)) return SERVER_FILE_REFUSED;
  return KNOWN_BY_STATE.get(state);
}

/** The driver's error when the server did not answer within `query_timeout`. */
const READ_TIMEOUT = 'Query read timeout';

/**
 * True if this process or this machine has no file descriptors left. An attempt to connect to several addresses has several
 * errors.
 */
function hasNoFileLeft(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(hasNoFileLeft);
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}

/** True for a database failure after which a later attempt may succeed. */
export function isStoreUnavailable({ code }: CentralFailure): boolean {
  return UNAVAILABLE_CODES.has(code);
}

/** True if a statement failed because another session did not release a lock within `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return isCentralFailure(error) && sqlStateOf(error.cause) === LOCK_NOT_AVAILABLE;
}

/** True for a driver error sent by the server itself, which means that the connection works. */
export function isServersAnswer(error: unknown): boolean {
  return sqlStateOf(error) !== undefined;
}

function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined;
}
