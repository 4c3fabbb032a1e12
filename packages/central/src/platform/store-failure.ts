import { CentralFailure } from './errors.ts';

/**
 * SQLSTATE classes of failures that a later attempt may not meet: connection (08), refused login (28), missing database (3D),
 * rollback for serialization or deadlock (40), insufficient resources such as a full disk (53), operator intervention such as a
 * shutdown or a statement timeout (57), and system errors outside PostgreSQL (58). Source: PostgreSQL documentation, appendix A.
 */
const UNAVAILABLE_CLASSES: ReadonlySet<string> = new Set(['08', '28', '3D', '40', '53', '57', '58']);

/** Single codes of the same kind: a lock that was not available in time, and a standby that does not accept writes yet. */
const UNAVAILABLE_STATES: ReadonlySet<string> = new Set(['55P03', '25006']);

/**
 * Converts a driver's error to a CentralFailure. An error without an SQLSTATE did not come from the server: the connection was
 * refused, lost or silent, and the same statement may succeed later.
 */
export function toStoreFailure(error: unknown, op: string): CentralFailure {
  const state = sqlStateOf(error);
  const isUnavailable =
    state === undefined || UNAVAILABLE_CLASSES.has(state.slice(0, 2)) || UNAVAILABLE_STATES.has(state);
  const message = error instanceof Error ? error.message : String(error);
  return isUnavailable
    ? new CentralFailure('STORE_UNAVAILABLE', `the database is not available: ${message}`, {
        op,
        hint: 'check that PostgreSQL runs and has free disk space, and that DATABASE_URL is correct',
        cause: error,
      })
    : new CentralFailure('STORE_FAILED', `the database refused a statement (${state}): ${message}`, {
        op,
        hint: 'central has a defect, or another program changed the database; the log has the statement',
        cause: error,
      });
}

/** True for a driver's error that the server itself sent, which means that the connection works. */
export function isServersAnswer(error: unknown): boolean {
  return sqlStateOf(error) !== undefined;
}

function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined;
}
