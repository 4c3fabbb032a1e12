import type { Queryable } from '../platform/ports.ts';
import { upsertRecordsSql } from '../store/record-tables.ts';
import { numberOf } from '../store/row.ts';
import { type PartToStore, toIso } from './part-to-store.ts';

/** The change to the set of records that central holds for an installation. */
export interface HoldingsChange {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Stores accepted records in the table of their category, and returns the change to the set of records that central holds.
 * Records that belong to `protectedLedgers` are not replaced.
 */
export async function insertRecords(
  tx: Queryable,
  part: PartToStore,
  protectedLedgers: readonly string[],
): Promise<HoldingsChange> {
  let [records, bytes] = [0, 0];
  for (const batch of part.sorted.batches) {
    const [row = {}] = await tx.query(upsertRecordsSql(batch.category), [
      part.document.installation_id,
      part.document.ledger_id ?? null,
      part.document.sequence ?? null,
      part.identity.exportId,
      part.identity.part.index,
      part.importId,
      toIso(part.receivedMs),
      protectedLedgers,
      batch.storedBytes ?? null,
      ...batch.columns,
    ]);
    records += numberOf(row, 'records');
    bytes += numberOf(row, 'bytes');
  }
  return { records, bytes };
}

/** Stores the rejected records with their reasons. */
export async function insertRejected(tx: Queryable, part: PartToStore): Promise<void> {
  const { rejected } = part.sorted;
  if (rejected.length === 0) return;
  await tx.query(
    `insert into rejected_records (installation_id, import_id, ordinal, category, record_id, reason, record, received_at)
     select $1::text, $2::text, ordinal, category, record_id, reason, record, $4::timestamptz
     from jsonb_to_recordset($3::text::jsonb) as r(ordinal integer, category text, record_id text, reason text, record text)`,
    [
      part.document.installation_id,
      part.importId,
      JSON.stringify(rejected.map(({ text, ...facts }, ordinal) => ({ ...facts, ordinal, record: text }))),
      toIso(part.receivedMs),
    ],
  );
}
