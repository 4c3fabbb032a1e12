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

/**
 * Time for which a node refuses imports after the database was too slow for one. The check reads two small rows, so it does not
 * detect a lock that only imports wait for. The time is longer than a statement may take (28 s), so the other imports that wait
 * for the same lock fail within it, and their boats' health probes get 503 as well.
 */
const SLOW_MS = 30_000;

/**
 * If an import was stored within this time before another one was too slow, the database can store imports, and only the slow
 * one is affected. Otherwise a single boat could keep a node from serving the others. The time is shorter than the 25 s after
 * which a statement fails, so a lock that stops all imports is detected at the first failure.
 */
const STORED_RECENTLY_MS = 20_000;

/** What a failed request was for. */
export type FailedWork = 'import' | 'other';

/** Monitors whether the database can serve this node. */
export interface DatabaseWatch {
  /**
   * Checks whether the database can store exports: it answers, accepts writes, has this version's schema and, as far as imports
   * have shown, has space and is fast enough. The check ends after CHECK_MAX_MS, at most one statement is in progress, and a result
   * is reused for CHECK_AGE_MAX_MS. It never throws because of a database failure.
   */
  check(): Promise<DatabaseState>;
  /** Records that a request failed because of the database. */
  noteFailure(code: CentralFailureCode, work: FailedWork): void;
  /** Records that the database stored an import, which shows that it is not too slow. */
  noteStored(): void;
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
  let storedMs = Number.NEGATIVE_INFINITY;
  // Faults that only a write shows.
  const untilMs = { STORE_DISK_FULL: Number.NEGATIVE_INFINITY, STORE_SLOW: Number.NEGATIVE_INFINITY };
  const findWriteFault = (atMs: number): string | undefined => {
    if (atMs < untilMs.STORE_DISK_FULL) return toDatabaseFault('STORE_DISK_FULL');
    return atMs < untilMs.STORE_SLOW ? toDatabaseFault('STORE_SLOW') : undefined;
  };
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
    const state = { fault: fault ?? findWriteFault(atMs), answerMs: atMs - startedMs };
    last = { state, atMs };
    isSuspect ||= state.fault !== undefined;
    return state;
  };
  return {
    check,
    noteFailure(code, work) {
      isSuspect = true;
      // Discard the earlier result.
      last = undefined;
      const atMs = monotonic();
      if (code === 'STORE_DISK_FULL') untilMs.STORE_DISK_FULL = atMs + FULL_MS;
      // A slow query of an operator says nothing about imports.
      const isStalled = work === 'import' && atMs - storedMs >= STORED_RECENTLY_MS;
      if (code === 'STORE_SLOW' && isStalled) untilMs.STORE_SLOW = atMs + SLOW_MS;
    },
    noteStored() {
      storedMs = monotonic();
      if (storedMs >= untilMs.STORE_SLOW) return;
      untilMs.STORE_SLOW = storedMs;
      last = undefined;
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
