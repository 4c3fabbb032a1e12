import { CentralFailure } from './errors.ts';

/**
 * SQLSTATE classes that say "not now" and not "never": connection (08), a login that is refused (28), no such database (3D),
 * rollback for serialisation or deadlock (40), out of resources such as a full disk (53), operator intervention such as a
 * shutdown or a statement timeout (57), trouble of the system below (58). Source: PostgreSQL documentation, appendix A.
 */
const UNAVAILABLE_CLASSES: ReadonlySet<string> = new Set(['08', '28', '3D', '40', '53', '57', '58']);

/** Single codes of the same kind: a lock not got in time, and a standby that cannot be written to yet. */
const UNAVAILABLE_STATES: ReadonlySet<string> = new Set(['55P03', '25006']);

/**
 * The failure a driver's error becomes. An error without an SQLSTATE did not come from the server: the connection
 * was refused, lost or silent, and the same statement may do later.
 */
export function toStoreFailure(error: unknown, op: string): CentralFailure {
  const state = sqlStateOf(error);
  const isUnavailable =
    state === undefined || UNAVAILABLE_CLASSES.has(state.slice(0, 2)) || UNAVAILABLE_STATES.has(state);
  const message = error instanceof Error ? error.message : String(error);
  return isUnavailable
    ? new CentralFailure('STORE_UNAVAILABLE', `the database is not available: ${message}`, {
        op,
        hint: 'check that PostgreSQL runs, has room on its disk, and that DATABASE_URL is right',
        cause: error,
      })
    : new CentralFailure('STORE_FAILED', `the database refused a statement (${state}): ${message}`, {
        op,
        hint: 'this is a defect, or a database that something else has changed; the log has the statement',
        cause: error,
      });
}

/** True for a driver's error that is the server's own answer: its connection works. */
export function isServersAnswer(error: unknown): boolean {
  return sqlStateOf(error) !== undefined;
}

function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined;
}
