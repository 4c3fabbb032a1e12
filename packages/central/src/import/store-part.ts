import type { Receipt } from '@d3kos/protocol';
import type { Row, Store } from '../platform/ports.ts';
import { booleanOf, textOf } from '../store/row.ts';
import { countImport } from './count-import.ts';
import { insertImport } from './insert-import.ts';
import { findNewerLedgers, insertRecords, insertRejected } from './insert-records.ts';
import { judgeRepeat } from './part-identity.ts';
import { type PartToStore, toIso } from './part-to-store.ts';
import { type SortedRecords, toListedRejections, toStorableRecords } from './records.ts';

/** The result of storing a part. */
export type StoreOutcome =
  | { readonly kind: 'stored'; readonly receipt: Receipt }
  | { readonly kind: 'repeated'; readonly receipt: Receipt }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'disabled' };

/**
 * Stores a part in one transaction. R27: "Central MUST commit records, rejections, idempotency key and receipt in one durable
 * transaction before it sends the receipt."
 */
export async function storePart(store: Store, part: PartToStore): Promise<StoreOutcome> {
  const sorted = toStorableRecords(part.document);
  return store.transaction(async (tx) => {
    // R30: "Central MUST store a part once even if several nodes receive it at the same time." The lock on the installation's row
    // makes the second node wait, and it then finds the part stored.
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
        // R28: "If a key is repeated with the same digest, central MUST return the stored
        // receipt with `duplicate: true` and change nothing."
        return { kind: 'repeated', receipt: { ...toHeldReceipt(held), duplicate: true } };
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

function toHeldReceipt(held: Row | undefined): Receipt {
  // Only insertImport writes this column, with a receipt of toReceipt.
  return JSON.parse(held === undefined ? '{}' : textOf(held, 'receipt')) as Receipt;
}

/** R33: the receipt names the export, the part, and the digest of the decoded body. */
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
