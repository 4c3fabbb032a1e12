import type { Queryable, Store, WallClock } from '../platform/ports.ts';
import { numberOf, textOf } from '../store/row.ts';
import { PRUNED_KINDS, type PrunedKind, type Retention, toCutoffMs } from './policy.ts';

/** Maximum number of rows that one transaction removes from one table. It bounds how long an import for the same boat waits. */
const ROWS_PER_STEP = 5_000;

/** Number of installation IDs that one statement reads. */
const INSTALLATIONS_PER_PAGE = 1_000;

/** Number of removed rows of each kind. */
export type PruneReport = Readonly<Record<PrunedKind, number>>;

/** Ports of `prune`. */
export interface PruneWorld {
  readonly store: Store;
  readonly wall: WallClock;
}

/**
 * Removes rows that are older than `retention` allows. docs/spec/protocol.md R84: "Central MAY remove the receipt of a part 60
 * days after the part was stored, if it holds the whole export." The boat of an incomplete export still needs to know which
 * parts to send. Central does not forget which exports of a ledger it holds, because `ledgers`, `ledger_exports` and
 * `ledger_gaps` record them. R86: "Central MUST NOT store duplicate records if a part is repeated after its receipt was removed."
 * The repeated records have the same IDs. Each step is a separate transaction, so an interrupted run leaves no step half done,
 * and the next run continues from there.
 */
export async function prune({ store, wall }: PruneWorld, retention: Retention): Promise<PruneReport> {
  const wallMs = wall();
  const removed: Record<PrunedKind, number> = { receipts: 0, telemetry: 0, audit: 0, usage: 0 };
  // Events without an installation have an empty ID.
  await pruneInstallation(store, '', wallMs, retention, removed);
  let after = '';
  for (;;) {
    const rows = await store.query(
      `select installation_id from installations where installation_id > $1::text order by installation_id limit $2::int`,
      [after, INSTALLATIONS_PER_PAGE],
    );
    for (const row of rows) {
      after = textOf(row, 'installation_id');
      await pruneInstallation(store, after, wallMs, retention, removed);
    }
    if (rows.length < INSTALLATIONS_PER_PAGE) return removed;
  }
}

async function pruneInstallation(
  store: Store,
  installationId: string,
  wallMs: number,
  retention: Retention,
  removed: Record<PrunedKind, number>,
): Promise<void> {
  for (const kind of PRUNED_KINDS) {
    const before = new Date(toCutoffMs(wallMs, retention[kind])).toISOString();
    for (;;) {
      const [row = {}] = await removeOld(store, kind, [installationId, before, ROWS_PER_STEP]);
      const count = numberOf(row, 'removed');
      removed[kind] += count;
      if (count < ROWS_PER_STEP) break;
    }
  }
}

/** Removes one batch of old rows of one kind. `params`: $1 installation, $2 cutoff, $3 maximum number of rows. */
function removeOld(store: Store, kind: PrunedKind, params: readonly unknown[]) {
  switch (kind) {
    case 'receipts':
      return store.query(RECEIPTS_SQL, params);
    case 'telemetry':
      return store.transaction(async (tx: Queryable) => {
        // An import locks the same row first, so the counts match the rows.
        await tx.query('select 1 from installations where installation_id = $1::text for update', [
          params[0],
        ]);
        return tx.query(TELEMETRY_SQL, params);
      });
    case 'audit':
      return store.query(AUDIT_SQL, params);
    case 'usage':
      return store.query(USAGE_SQL, params);
  }
}

const RECEIPTS_SQL = `
with old as (
  select p.idempotency_key, p.import_id from imports p
    left join ledger_exports e on e.installation_id = p.installation_id and e.ledger_id = p.ledger_id
      and e.sequence = p.sequence and e.export_id = p.export_id
  where p.installation_id = $1::text and p.received_at < $2::timestamptz
    and coalesce(e.parts_held >= e.part_count, p.part_count = 1)
  order by p.received_at limit $3::int
), rejections as (
  delete from rejected_records r using old where r.installation_id = $1::text and r.import_id = old.import_id
), removed as (
  delete from imports p using old where p.installation_id = $1::text and p.idempotency_key = old.idempotency_key returning 1
)
select count(*)::float8 as removed from removed`;

const TELEMETRY_SQL = `
with removed as (
  delete from records_telemetry t using (
    select record_id from records_telemetry
    where installation_id = $1::text and received_at < $2::timestamptz limit $3::int) old
  where t.installation_id = $1::text and t.record_id = old.record_id
  returning octet_length(t.record::text) as bytes
), change as (select count(*) as records, coalesce(sum(bytes), 0)::bigint as bytes from removed), held as (
  update installation_holdings h set records = h.records - change.records, bytes = h.bytes - change.bytes from change
  where h.installation_id = $1::text and h.category = 'telemetry' and change.records > 0
), summed as (
  update installations i set held_records = held_records - change.records, held_bytes = held_bytes - change.bytes from change
  where i.installation_id = $1::text and change.records > 0
)
select records::float8 as removed from change`;

const AUDIT_SQL = `
with removed as (
  delete from audit_events a using (
    select occurred_at, event, subject from audit_events
    where installation_id = $1::text and last_at < $2::timestamptz limit $3::int) old
  where a.installation_id = $1::text and a.occurred_at = old.occurred_at and a.event = old.event and a.subject = old.subject
  returning 1
)
select count(*)::float8 as removed from removed`;

const USAGE_SQL = `
with removed as (
  delete from installation_usage u using (
    select day from installation_usage
    where installation_id = $1::text and day < ($2::timestamptz at time zone 'UTC')::date limit $3::int) old
  where u.installation_id = $1::text and u.day = old.day returning 1
)
select count(*)::float8 as removed from removed`;
