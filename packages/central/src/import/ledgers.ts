import type { Queryable } from '../platform/ports.ts';
import { numberOrNullOf, textOf } from '../store/row.ts';
import type { LedgerFacts } from './ledger-policy.ts';
import { type PartToStore, toIso } from './part-to-store.ts';

/**
 * Reads what central knows about a document's ledger and sequence. The caller holds the lock on the installation, so that the
 * facts stay true until it commits.
 */
export async function findLedgerFacts(
  tx: Queryable,
  document: PartToStore['document'],
): Promise<LedgerFacts> {
  const { installation_id, ledger_id, sequence } = document;
  if (ledger_id === undefined)
    return { knownExportId: undefined, highestSequence: undefined, newerLedgers: [] };
  const [known] = await tx.query(
    `select export_id from ledger_exports
     where installation_id = $1::text and ledger_id = $2::text and sequence = $3::bigint`,
    [installation_id, ledger_id, sequence ?? null],
  );
  const [ledger] = await tx.query(
    `select highest_sequence::float8 as highest_sequence from ledgers
     where installation_id = $1::text and ledger_id = $2::text`,
    [installation_id, ledger_id],
  );
  const newer = await tx.query(
    `select ledger_id from ledgers where installation_id = $1::text
       and ledger_no > (select ledger_no from ledgers where installation_id = $1::text and ledger_id = $2::text)
     order by ledger_no`,
    [installation_id, ledger_id],
  );
  return {
    knownExportId: known === undefined ? undefined : textOf(known, 'export_id'),
    highestSequence: ledger === undefined ? undefined : numberOrNullOf(ledger, 'highest_sequence'),
    newerLedgers: newer.map((row) => textOf(row, 'ledger_id')),
  };
}

/**
 * Registers a stored part with its ledger. A ledger that central sees for the first time becomes the newest. The order comes from
 * a number and not from a time, because the clocks of two nodes differ.
 */
export async function noteLedger(
  tx: Queryable,
  { document, identity, receivedMs }: PartToStore,
  isConcurrent: boolean,
): Promise<void> {
  const { installation_id, ledger_id, sequence, open_exports = [] } = document;
  if (ledger_id === undefined) return;
  await tx.query(
    `insert into ledgers as held (installation_id, ledger_id, ledger_no, first_received_at, last_received_at, highest_sequence)
     select $1::text, $2::text, coalesce(max(ledger_no), 0) + 1, $3::timestamptz, $3::timestamptz, $4::bigint
     from ledgers where installation_id = $1::text
     on conflict (installation_id, ledger_id) do update
     set last_received_at = excluded.last_received_at,
       highest_sequence = greatest(held.highest_sequence, excluded.highest_sequence),
       concurrent_at = case when $5::boolean then excluded.last_received_at else held.concurrent_at end`,
    [installation_id, ledger_id, toIso(receivedMs), sequence ?? null, isConcurrent],
  );
  const own = sequence === undefined ? [] : [{ sequence, export_id: identity.exportId }];
  // R72: the document's own sequence comes first, so that a document cannot give it to another export.
  const named = [...own, ...open_exports.filter((open) => open.sequence !== sequence)];
  if (named.length === 0) return;
  await tx.query(
    `insert into ledger_exports (installation_id, ledger_id, sequence, export_id)
     select $1::text, $2::text, sequence, export_id
     from jsonb_to_recordset($3::text::jsonb) as r(sequence bigint, export_id text)
     on conflict do nothing`,
    [installation_id, ledger_id, JSON.stringify(named)],
  );
}

/** Records that an export was refused because its ledger has diverged. The operator sees the time. */
export async function noteDivergence(
  tx: Queryable,
  { document: { installation_id, ledger_id }, receivedMs }: PartToStore,
): Promise<void> {
  await tx.query(
    `update ledgers set diverged_at = $3::timestamptz where installation_id = $1::text and ledger_id = $2::text`,
    [installation_id, ledger_id ?? null, toIso(receivedMs)],
  );
}
