import { withDeadline } from '../platform/deadline.ts';
import { type CentralFailureCode, isCentralFailure } from '../platform/errors.ts';
import type { Log, MonotonicClock, Store } from '../platform/ports.ts';
import { booleanOf } from '../store/row.ts';
import { loadSchemaState } from '../store/schema-state.ts';

/**
 * Longest time that a caller waits for the database. Load balancers and orchestrators give up after 5 s or less, and a database
 * that takes longer for two small reads cannot serve boats.
 */
const CHECK_MAX_MS = 3_000;

/** Time for which the result of a check is reused. Anyone may request a check, so checks must not burden the database. */
const CHECK_AGE_MAX_MS = 1_000;

/** The result of the last database check. */
export interface DatabaseState {
  /** Why the database cannot serve this node. Undefined if it can. */
  readonly fault: string | undefined;
  /** Time until the answer, at most CHECK_MAX_MS. */
  readonly answerMs: number;
}

/**
 * Time for which a node refuses imports after it found the database's disk full. Only a write shows whether the disk is still
 * full. A refused boat returns after 10 s or more.
 */
const FULL_MS = 10_000;

/** Monitors whether the database can serve this node. */
export interface DatabaseWatch {
  /**
   * Checks whether the database can store exports: it answers, accepts writes, has this version's schema and, as far as imports
   * have shown, has space. The check ends after CHECK_MAX_MS, at most one statement is in progress, and a result is reused for
   * CHECK_AGE_MAX_MS. It never throws because of a database failure.
   */
  check(): Promise<DatabaseState>;
  /** Records that a request failed because of the database. */
  noteFailure(code: CentralFailureCode): void;
  /**
   * Returns why an import would fail, or undefined. It sends no statement until a request has failed because of the database or
   * a check has found a fault. From then on it checks the database until it can serve this node again.
   */
  findImportFault(): Promise<string | undefined>;
}

/** The reason, in a form that may be made public. The database's own message may name a host or a login. */
export function toDatabaseFault(code: CentralFailureCode): string {
  return `the database is not available [${code}]`;
}

/** Creates a node's watch. */
export function createDatabaseWatch({
  store,
  monotonic,
  log,
}: {
  readonly store: Store;
  readonly monotonic: MonotonicClock;
  readonly log: Log;
}): DatabaseWatch {
  let last: { readonly state: DatabaseState; readonly atMs: number } | undefined;
  let running: Promise<string | undefined> | undefined;
  let fullUntilMs = Number.NEGATIVE_INFINITY;
  let isSuspect = false;
  const run = (): Promise<string | undefined> => {
    // If a check outlasts its callers' wait, no second check is started.
    running ??= findFault(store, log).finally(() => (running = undefined));
    return running;
  };
  const check = async (): Promise<DatabaseState> => {
    const startedMs = monotonic();
    if (last !== undefined && startedMs - last.atMs < CHECK_AGE_MAX_MS) return last.state;
    const found = await withDeadline(
      run().then((fault) => ({ fault })),
      CHECK_MAX_MS,
    );
    const { fault } = found ?? { fault: `the database did not answer within ${CHECK_MAX_MS} ms` };
    const atMs = monotonic();
    const isFull = fault === undefined && atMs < fullUntilMs;
    const state = { fault: isFull ? toDatabaseFault('STORE_DISK_FULL') : fault, answerMs: atMs - startedMs };
    last = { state, atMs };
    isSuspect ||= state.fault !== undefined;
    return state;
  };
  return {
    check,
    noteFailure(code) {
      isSuspect = true;
      // Discard the earlier result.
      last = undefined;
      if (code === 'STORE_DISK_FULL') fullUntilMs = monotonic() + FULL_MS;
    },
    async findImportFault() {
      if (!isSuspect) return undefined;
      const { fault } = await check();
      isSuspect = fault !== undefined;
      return fault;
    },
  };
}

async function findFault(store: Store, log: Log): Promise<string | undefined> {
  try {
    const [row = {}] = await store.query(
      "select current_setting('transaction_read_only') = 'on' as is_read_only",
    );
    if (booleanOf(row, 'is_read_only')) return toDatabaseFault('STORE_READ_ONLY');
    switch (await loadSchemaState(store)) {
      case 'current':
        return undefined;
      case 'behind':
        return 'the database schema is older than this version: run d3kos-central migrate';
      case 'ahead':
        return 'the database schema belongs to a newer version: upgrade this node';
      case 'changed':
        return 'a schema step of the database has changed: run d3kos-central migrate, which reports the step';
    }
  } catch (error) {
    if (!isCentralFailure(error)) throw error;
    log.write('warn', `database check failed: ${error.message} [${error.code}]`, {
      hint: error.hint,
    });
    return toDatabaseFault(error.code);
  }
}
