import type { Queryable, Store } from '../platform/ports.ts';
import { numberOf, textOf } from '../store/row.ts';

/** Numbers about the whole fleet that a node computed, and other requests read until they are too old. */
export interface Snapshot<T> {
  /** The key in `fleet_snapshots`. It ends in the version of the shape, because nodes of two versions may share the database. */
  readonly name: string;
  /** Reads every boat. It runs in the transaction that stores the result. */
  compute(tx: Queryable): Promise<T>;
}

/** Largest fleet of which nothing is kept: reading 2,000 rows takes a few milliseconds, so its numbers are always of this moment. */
const LIVE_BOATS_MAX = 2_000;
/** Age at which a snapshot is computed again. The request that notices it does not wait. */
const REFRESH_AGE = "interval '60 seconds'";
/** Age above which a snapshot is not returned: nobody looked for a while, so the request waits for a new one. */
const AGE_MAX = "interval '5 minutes'";

/** Size of the fleet above which snapshots are used, and where the failure of a refresh in the background goes. */
export interface SnapshotRules {
  readonly liveBoatsMax?: number;
  readonly onFailure?: (error: unknown) => void;
}

/** True for a fleet whose numbers are kept. It reads at most LIVE_BOATS_MAX rows of an index. */
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
 * Returns a snapshot that is at most 5 minutes old. One older than a minute is computed again after the answer. Nodes that notice it at
 * the same time compute it once.
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
  // The time is that of the database, because the clocks of nodes differ.
  const [row] = await store.query(
    `select case when computed_at < now() - ${AGE_MAX} then 'expired' when computed_at < now() - ${REFRESH_AGE} then 'old'
       else 'fresh' end as age, answer::text as answer from fleet_snapshots where name = $1::text`,
    [name],
  );
  // Only `refresh` writes answers, and the name has the version of their shape.
  return row === undefined
    ? undefined
    : { age: textOf(row, 'age'), answer: JSON.parse(textOf(row, 'answer')) as T };
}

/** Computes a snapshot under the lock on its row, unless another node did so meanwhile. `skip`: not if another node is doing so. */
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
