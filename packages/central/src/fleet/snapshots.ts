import type { Queryable, Store } from '../platform/ports.ts';
import { numberOf, textOf } from '../store/row.ts';

/** Figures about the whole fleet, computed by one node and reused by later requests until they are too old. */
export interface Snapshot<T> {
  /**
   * The key in `fleet_snapshots`. It ends with the version of the answer's shape, because nodes of two versions may share the
   * database.
   */
  readonly name: string;
  /** Reads every boat. It runs in the transaction that stores the result. */
  compute(tx: Queryable): Promise<T>;
}

/**
 * Size of the largest fleet for which nothing is cached. Reading 2,000 rows takes a few milliseconds, so its figures are always
 * current.
 */
const LIVE_BOATS_MAX = 2_000;
/** Age at which a snapshot is refreshed. The request that triggers the refresh does not wait for it. */
const REFRESH_AGE = "interval '60 seconds'";
/**
 * Age above which a snapshot is not returned. Snapshots become this old only if the page was not open for a while. The next
 * request then waits for a new snapshot.
 */
const AGE_MAX = "interval '5 minutes'";

/** The fleet size above which snapshots are used, and what to do if a background refresh fails. */
export interface SnapshotRules {
  readonly liveBoatsMax?: number;
  readonly onFailure?: (error: unknown) => void;
}

/** True for a fleet whose figures are cached. Reads at most LIVE_BOATS_MAX rows of an index. */
export async function isLargeFleet(
  store: Queryable,
  { liveBoatsMax = LIVE_BOATS_MAX }: SnapshotRules,
): Promise<boolean> {
  const [row = {}] = await store.query(
    'select count(*)::float8 as boats from (select 1 from installations limit $1::int) few',
    [liveBoatsMax + 1],
  );
  return numberOf(row, 'boats') > liveBoatsMax;
}

/**
 * Returns a snapshot that is at most 5 minutes old. A snapshot older than a minute is refreshed after it has been returned. If
 * several nodes do so at the same time, it is computed only once.
 */
export async function loadSnapshot<T>(store: Store, snapshot: Snapshot<T>, rules: SnapshotRules): Promise<T> {
  const kept = await findSnapshot<T>(store, snapshot.name);
  if (kept === undefined) {
    await store.query(
      `insert into fleet_snapshots (name, computed_at, answer) values ($1::text, 'epoch', 'null') on conflict do nothing`,
      [snapshot.name],
    );
    return refresh(store, snapshot, 'wait');
  }
  if (kept.age === 'expired') return refresh(store, snapshot, 'wait');
  if (kept.age === 'old') void refresh(store, snapshot, 'skip').catch(rules.onFailure ?? (() => undefined));
  return kept.answer;
}

async function findSnapshot<T>(
  store: Queryable,
  name: string,
): Promise<{ readonly age: string; readonly answer: T } | undefined> {
  // The database's clock is used, because the clocks of nodes differ.
  const [row] = await store.query(
    `select case when computed_at < now() - ${AGE_MAX} then 'expired' when computed_at < now() - ${REFRESH_AGE} then 'old'
       else 'fresh' end as age, answer::text as answer from fleet_snapshots where name = $1::text`,
    [name],
  );
  // Only `refresh` writes answers, and the name contains the version of the answer's shape.
  return row === undefined
    ? undefined
    : { age: textOf(row, 'age'), answer: JSON.parse(textOf(row, 'answer')) as T };
}

/**
 * Computes a snapshot under the lock on its row, unless another node has just done so. With `skip` it does not wait for a node
 * that is computing it.
 */
async function refresh<T>(store: Store, { name, compute }: Snapshot<T>, busy: 'wait' | 'skip'): Promise<T> {
  return store.transaction(async (tx) => {
    const locked = await tx.query(
      `select 1 from fleet_snapshots where name = $1::text for update ${busy === 'skip' ? 'skip locked' : ''}`,
      [name],
    );
    const kept = await findSnapshot<T>(tx, name);
    if (kept !== undefined && (kept.age === 'fresh' || locked.length === 0)) return kept.answer;
    const answer = await compute(tx);
    await tx.query(
      `update fleet_snapshots set computed_at = now(), answer = $2::text::jsonb where name = $1::text`,
      [name, JSON.stringify(answer)],
    );
    return answer;
  });
}
