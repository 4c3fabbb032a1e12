import type { Mutant } from './mutant.ts';

const WATCH = 'packages/central/src/http/database-watch.ts';
const WATCH_TESTS = ['packages/central/src/http/database-watch.test.ts'];
const DISTRIBUTE = 'packages/central/src/store/distribute.ts';
const DISTRIBUTE_TESTS = ['packages/central/src/store/distribute.test.ts'];
const RETURN_TESTS = ['packages/central/src/admission/return-schedule.test.ts'];

/** Faults in how central behaves when its database fails, when a fleet returns, and when tables are distributed. */
export const CENTRAL_DATABASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'after a database failure, the next import is not refused before its body is read',
    file: WATCH,
    before: 'isSuspect = true;',
    after: 'isSuspect = false;',
    killedBy: WATCH_TESTS,
  },
  {
    name: 'imports stay refused after the database has recovered',
    file: WATCH,
    before: 'isSuspect = fault !== undefined;',
    after: "return fault ?? toDatabaseFault('STORE_UNAVAILABLE');",
    killedBy: WATCH_TESTS,
  },
  {
    name: 'a full disk is no longer reported once the database answers a query',
    file: WATCH,
    before: 'atMs < untilMs.STORE_DISK_FULL',
    after: 'atMs > untilMs.STORE_DISK_FULL',
    killedBy: WATCH_TESTS,
  },
  {
    name: 'boats count attempts while every import waits for a lock',
    file: WATCH,
    before: 'untilMs.STORE_SLOW = atMs + SLOW_MS;',
    after: 'untilMs.STORE_SLOW = atMs;',
    killedBy: WATCH_TESTS,
  },
  {
    name: 'one slow import keeps a node from serving the other boats',
    file: WATCH,
    before: 'atMs - storedMs >= STORED_RECENTLY_MS',
    after: 'storedMs <= atMs',
    killedBy: WATCH_TESTS,
  },
  {
    name: 'a request is stored after its boat has dropped the connection',
    file: 'packages/central/src/admission/admission.ts',
    before: 'return !hasWaitedTooLong(monotonic() - startedMs);',
    after: 'return !hasWaitedTooLong(startedMs - startedMs);',
    killedBy: ['packages/central/src/admission/admission.test.ts'],
  },
  {
    name: 'all boats over their quota return at the same moment',
    file: 'packages/central/src/admission/return-policy.ts',
    before: 'return Math.round(spread(QUOTA_RETRY_AFTER_S, fraction));',
    after: 'return Math.round(spread(QUOTA_RETRY_AFTER_S, fraction - fraction));',
    killedBy: RETURN_TESTS,
  },
  {
    name: "an installation's tables are not co-located",
    file: DISTRIBUTE,
    before: "name === FIRST_TABLE ? 'default' : FIRST_TABLE",
    after: "name === FIRST_TABLE ? 'default' : 'default'",
    killedBy: DISTRIBUTE_TESTS,
  },
  {
    name: 'a table that is already distributed differently is left as it is',
    file: DISTRIBUTE,
    before: "placement !== 'local' && placement !== wanted",
    after: 'placement !== wanted && wanted.length === 0',
    killedBy: DISTRIBUTE_TESTS,
  },
];
