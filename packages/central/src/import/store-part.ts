import {
  CATEGORIES,
  type Category,
  type ContentCoding,
  type ExportDocument,
  type Receipt,
} from '@d3kos/protocol';
import type { Queryable, Store } from '../platform/ports.ts';
import { upsertRecordsSql } from '../store/record-tables.ts';
import { booleanOf, textOf } from '../store/row.ts';
import { toCanonicalJson, toStorableText } from './json-value.ts';
import { judgeRepeat, type PartIdentity } from './part-identity.ts';
import { type SortedRecords, type StorableRecord, toListedRejections, toStorableRecords } from './records.ts';

/** Records one statement carries: past a few thousand the time per record no longer falls, while the statement's memory grows. */
const BATCH_RECORDS_MAX = 5_000;

/** One part, checked and decoded, ready to be stored. */
export interface PartToStore {
  readonly document: ExportDocument;
  readonly identity: PartIdentity;
  /** Hex SHA-256 of the decoded body. */
  readonly sha256: string;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
  readonly decodedSizeBytes: number;
  /** Central's own time, beside what the document claims. */
  readonly receivedMs: number;
  /** The import's id, should it be stored. */
  readonly importId: string;
}

/** What became of a part. */
export type StoreOutcome =
  | { readonly kind: 'stored'; readonly receipt: Receipt }
  | { readonly kind: 'repeated'; readonly receipt: Receipt }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'disabled' };

/**
 * Stores a part in one transaction: all of it or nothing. The installation's row is locked first, so that of two nodes
 * given one part the second waits and finds it stored. A repeated part gets the receipt it got, and changes nothing.
 */
export async function storePart(store: Store, part: PartToStore): Promise<StoreOutcome> {
  const sorted = toStorableRecords(part.document);
  return store.transaction(async (tx) => {
    const [installation] = await tx.query(
      'select is_disabled from installations where installation_id = $1::text for update',
      [part.document.installation_id],
    );
    if (installation === undefined || booleanOf(installation, 'is_disabled')) return { kind: 'disabled' };
    const [held] = await tx.query(
      'select sha256, receipt::text as receipt from imports where installation_id = $1::text and idempotency_key = $2::text',
      [part.document.installation_id, part.identity.idempotencyKey],
    );
    switch (judgeRepeat(held === undefined ? undefined : textOf(held, 'sha256'), part.sha256)) {
      case 'conflict':
        return { kind: 'conflict' };
      case 'repeat':
        return { kind: 'repeated', receipt: { ...heldReceipt(held), duplicate: true } };
      case 'store': {
        const receipt = toReceipt(part, sorted);
        const newerLedgers = await findNewerLedgers(tx, part.document);
        await insertRecords(tx, part, sorted, newerLedgers);
        await insertRejected(tx, part, sorted);
        await insertImport(tx, part, receipt);
        await countImport(tx, part, sorted, newerLedgers);
        return { kind: 'stored', receipt };
      }
    }
  });
}

function heldReceipt(held: Parameters<typeof textOf>[0] | undefined): Receipt {
  // Written by toReceipt below into a column nothing else writes.
  return JSON.parse(held === undefined ? '{}' : textOf(held, 'receipt')) as Receipt;
}

function toReceipt(part: PartToStore, sorted: SortedRecords): Receipt {
  return {
    status: 'success',
    import_id: part.importId,
    export_id: part.identity.exportId,
    part: part.identity.part,
    sha256: part.sha256,
    records_imported: Object.fromEntries(
      [...sorted.records].map(([category, records]) => [category, records.length]),
    ),
    rejected_records: [...toListedRejections(sorted)],
    duplicate: false,
    timestamp: toIso(part.receivedMs),
  };
}

async function insertRecords(
  tx: Queryable,
  part: PartToStore,
  { records }: SortedRecords,
  newerLedgers: readonly string[],
): Promise<void> {
  for (const [category, all] of records)
    for (let start = 0; start < all.length; start += BATCH_RECORDS_MAX)
      await insertBatch(tx, part, category, all.slice(start, start + BATCH_RECORDS_MAX), newerLedgers);
}

async function insertBatch(
  tx: Queryable,
  part: PartToStore,
  category: Category,
  batch: readonly StorableRecord[],
  newerLedgers: readonly string[],
): Promise<void> {
  await tx.query(upsertRecordsSql(category), [
    part.document.installation_id,
    `[${batch.map(toRow).join(',')}]`,
    part.document.ledger_id ?? null,
    part.document.sequence ?? null,
    part.identity.exportId,
    part.identity.part.index,
    part.importId,
    toIso(part.receivedMs),
    newerLedgers,
  ]);
}

/** The ledgers this installation began after the document's. One that was never heard of is the newest there is. */
async function findNewerLedgers(tx: Queryable, document: ExportDocument): Promise<readonly string[]> {
  if (document.ledger_id === undefined) return [];
  const rows = await tx.query(
    `select ledger_id from imports where installation_id = $1::text and ledger_id is not null
     group by ledger_id
     having min(received_at) > (select min(received_at) from imports where installation_id = $1::text and ledger_id = $2::text)`,
    [document.installation_id, document.ledger_id],
  );
  return rows.map((row) => textOf(row, 'ledger_id'));
}

function toRow({ recordId, recordedAt, sha256, columns, json }: StorableRecord): string {
  const facts = JSON.stringify({ record_id: recordId, recorded_at: recordedAt, sha256, ...columns });
  // The record's text goes in as it is: parsing it again would round its large integers.
  return `${facts.slice(0, -1)},"record":${json}}`;
}

async function insertRejected(tx: Queryable, part: PartToStore, { rejected }: SortedRecords): Promise<void> {
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

async function insertImport(tx: Queryable, part: PartToStore, receipt: Receipt): Promise<void> {
  const { document, identity } = part;
  await tx.query(
    `insert into imports (installation_id, idempotency_key, import_id, export_id, part_index, part_count, sha256, receipt,
       ledger_id, sequence, export_type, export_timestamp, software_version, sections, content_coding,
       wire_bytes, decoded_bytes, received_at, withdrawn_sequences)
     values ($1::text, $2::text, $3::text, $4::text, $5::integer, $6::integer, $7::text, $8::text::json,
       $9::text, $10::bigint, $11::text, $12::text, $13::text, $14::text::jsonb, $15::text,
       $16::bigint, $17::bigint, $18::timestamptz, $19::text::bigint[])`,
    [
      document.installation_id,
      identity.idempotencyKey,
      part.importId,
      identity.exportId,
      identity.part.index,
      identity.part.count,
      part.sha256,
      JSON.stringify(receipt),
      document.ledger_id ?? null,
      document.sequence ?? null,
      document.export_type ?? null,
      toStorableText(document.export_timestamp),
      softwareVersionOf(document),
      sectionsOf(document),
      part.contentCoding,
      part.wireSizeBytes,
      part.decodedSizeBytes,
      toIso(part.receivedMs),
      // As text: drivers disagree on arrays.
      document.withdrawn_sequences === undefined ? null : `{${document.withdrawn_sequences.join(',')}}`,
    ],
  );
}

/**
 * Counts the import, and keeps what the boat says of itself. A late export, of a lost ledger or overtaken by a smaller one,
 * is heard and counted like any other, but says nothing of the boat that a later one did not say better.
 */
async function countImport(
  tx: Queryable,
  part: PartToStore,
  sorted: SortedRecords,
  newerLedgers: readonly string[],
): Promise<void> {
  const { document, identity } = part;
  const recordCount = [...sorted.records.values()].reduce((sum, records) => sum + records.length, 0);
  const isLatest =
    '($13::boolean and ($5::text = last_ledger_id and $6::bigint < last_sequence) is not true)';
  await tx.query(
    `update installations set
       last_heard_at = $2::timestamptz, last_export_id = $3::text, last_export_timestamp = $4::text,
       last_ledger_id = case when ${isLatest} then coalesce($5::text, last_ledger_id) else last_ledger_id end,
       last_sequence = case when ${isLatest} and $5::text is not null then $6::bigint else last_sequence end,
       software_version = case when ${isLatest} then coalesce($7::text, software_version) else software_version end,
       claimed_tier = case when ${isLatest} then coalesce($8::smallint, claimed_tier) else claimed_tier end,
       documents = documents + 1, records = records + $9::bigint, rejected = rejected + $10::bigint,
       wire_bytes = wire_bytes + $11::bigint, decoded_bytes = decoded_bytes + $12::bigint
     where installation_id = $1::text`,
    [
      document.installation_id,
      toIso(part.receivedMs),
      identity.exportId,
      toStorableText(document.export_timestamp),
      document.ledger_id ?? null,
      document.sequence ?? null,
      softwareVersionOf(document),
      document.tier ?? null,
      recordCount,
      sorted.rejectedCount,
      part.wireSizeBytes,
      part.decodedSizeBytes,
      newerLedgers.length === 0,
    ],
  );
}

function softwareVersionOf({ software_version }: ExportDocument): string | null {
  return software_version === undefined ? null : toStorableText(software_version);
}

/** What the document says of each section but its records: the state a category was in on board. */
function sectionsOf(document: ExportDocument): string {
  return toCanonicalJson(
    Object.fromEntries(
      CATEGORIES.flatMap((category) => {
        const section = document.data[category];
        if (section === undefined) return [];
        const { state = null, entry_count = null, error = null } = section;
        return [[category, { state, entry_count, error }]];
      }),
    ),
  );
}

function toIso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
