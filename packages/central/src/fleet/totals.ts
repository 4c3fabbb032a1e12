import type { Queryable, Row } from '../platform/ports.ts';
import { booleanOf, numberOf } from '../store/row.ts';

/** Totals over the whole fleet, for the metrics. They cannot identify an installation. */
export interface FleetTotals {
  readonly installations: number;
  readonly documents: number;
  readonly records: number;
  readonly rejected: number;
  /** Installations with concurrent ledgers. */
  readonly concurrent: number;
  /** Ledgers with an export that was refused because the ledger returned to an older state or was used by two machines. */
  readonly diverged: number;
}

/** The most recently computed totals. */
export interface StoredTotals extends FleetTotals {
  /** True if they are older than TOTALS_AGE_MAX, so that a node should compute them again. */
  readonly isStale: boolean;
}

/**
 * Age at which the totals are recomputed. A sum over 100,000 installations takes about 50 ms. No alert needs changes sooner than
 * a minute.
 */
const TOTALS_AGE_MAX = "interval '60 seconds'";

const SUM_SQL = `
select count(*) as installations, coalesce(sum(documents), 0) as documents, coalesce(sum(records), 0) as records,
  coalesce(sum(rejected), 0) as rejected, count(*) filter (where concurrent_ledgers > 0) as concurrent,
  (select count(*) from ledgers where diverged_at is not null) as diverged
from installations`;

const TOTALS = 'installations, documents, records, rejected, concurrent, diverged';
const TOTALS_AS_NUMBERS = TOTALS.split(', ')
  .map((name) => `${name}::float8 as ${name}`)
  .join(', ');

/** Sums all installations' counters. The cost grows with their number. */
export async function sumFleet(store: Queryable): Promise<FleetTotals> {
  const [row = {}] = await store.query(`select ${TOTALS_AS_NUMBERS} from (${SUM_SQL}) sums`);
  return toTotals(row);
}

/**
 * Returns the last computed totals at a cost that does not depend on the size of the fleet. Computes them first if there are
 * none.
 */
export async function loadFleetTotals(store: Queryable): Promise<StoredTotals> {
  const stored = await findStored(store);
  if (!booleanOf(stored, 'is_new')) return toStored(stored);
  await refreshFleetTotals(store);
  return toStored(await findStored(store));
}

/** Recomputes the totals if they are stale. If two nodes do this at the same time, the totals are computed only once. */
export async function refreshFleetTotals(store: Queryable): Promise<void> {
  await store.query(
    `update fleet_totals set computed_at = now(), (${TOTALS}) = (${SUM_SQL}) where computed_at < now() - ${TOTALS_AGE_MAX}`,
  );
}

async function findStored(store: Queryable): Promise<Row> {
  // The database's clock is used, because the clocks of nodes differ.
  const [row = {}] = await store.query(
    `select ${TOTALS_AS_NUMBERS}, computed_at < now() - ${TOTALS_AGE_MAX} as is_stale, computed_at = 'epoch' as is_new
     from fleet_totals`,
  );
  return row;
}

function toStored(row: Row): StoredTotals {
  return { ...toTotals(row), isStale: booleanOf(row, 'is_stale') };
}

function toTotals(row: Row): FleetTotals {
  return {
    installations: numberOf(row, 'installations'),
    documents: numberOf(row, 'documents'),
    records: numberOf(row, 'records'),
    rejected: numberOf(row, 'rejected'),
    concurrent: numberOf(row, 'concurrent'),
    diverged: numberOf(row, 'diverged'),
  };
}
