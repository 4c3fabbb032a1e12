import { withDeadline } from '../platform/deadline.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Log, MonotonicClock, Store } from '../platform/ports.ts';
import { booleanOf } from '../store/row.ts';
import { loadSchemaState } from '../store/schema-state.ts';

/**
 * Longest wait of a caller for the database. Load balancers and orchestrators give up after 5 s or less; a database that needs
 * longer for two small reads cannot serve boats.
 */
const CHECK_MAX_MS = 3_000;

/**
 * Time for which the result of a check is reused. Anyone may send this request, so the checks must not load the
 * database.
 */
const CHECK_AGE_MAX_MS = 1_000;

/** What the last check of the database found. */
export interface DatabaseState {
  /** Why the database cannot serve this node. Undefined if it can. */
  readonly fault: string | undefined;
  /** Time until the answer, at most CHECK_MAX_MS. */
  readonly answerMs: number;
}

/**
 * Returns a check whether the database can serve this node: it answers, accepts writes, and has the schema of this version. The check
 * ends after CHECK_MAX_MS, one statement at most is in progress, and a result counts for CHECK_AGE_MAX_MS. It never throws because
 * of the database.
 */
export function createDatabaseCheck({
  store,
  monotonic,
  log,
}: {
  readonly store: Store;
  readonly monotonic: MonotonicClock;
  readonly log: Log;
}): () => Promise<DatabaseState> {
  let last: { readonly state: DatabaseState; readonly atMs: number } | undefined;
  let running: Promise<string | undefined> | undefined;
  const run = (): Promise<string | undefined> => {
    // A check that takes longer than its callers wait is not started twice.
    running ??= findFault(store, log).finally(() => (running = undefined));
    return running;
  };
  return async () => {
    const startedMs = monotonic();
    if (last !== undefined && startedMs - last.atMs < CHECK_AGE_MAX_MS) return last.state;
    const found = await withDeadline(
      run().then((fault) => ({ fault })),
      CHECK_MAX_MS,
    );
    const { fault } = found ?? { fault: `the database did not answer within ${CHECK_MAX_MS} ms` };
    const atMs = monotonic();
    last = { state: { fault, answerMs: atMs - startedMs }, atMs };
    return last.state;
  };
}

async function findFault(store: Store, log: Log): Promise<string | undefined> {
  try {
    const [row = {}] = await store.query(
      "select current_setting('transaction_read_only') = 'on' as is_read_only",
    );
    if (booleanOf(row, 'is_read_only')) return 'the database accepts no writes';
    switch (await loadSchemaState(store)) {
      case 'current':
        return undefined;
      case 'behind':
        return 'the schema of the database is older than this version: run d3kos-central migrate';
      case 'ahead':
        return 'the schema of the database belongs to a newer version: upgrade this node';
      case 'changed':
        return 'the schema of the database has a changed step: run d3kos-central migrate for its name';
    }
  } catch (error) {
    if (!isCentralFailure(error)) throw error;
    log.write('warn', `the check of the database failed: ${error.message} [${error.code}]`, {
      hint: error.hint,
    });
    // The database's message may name a host or a login, and anyone may read the answer.
    return `the database is not available [${error.code}]`;
  }
}
