import { isCategory, type Receipt, type RejectedRecord } from '@d3kos/protocol';
import { toPlainText } from '../platform/plain-text.ts';

/**
 * Maximum number of rejected records stored with a delivered export: enough to see a pattern, and a limit on the size if central
 * rejects everything.
 */
export const REJECTED_RECORDS_KEPT_MAX = 1_000;

/**
 * Maximum total length of the rejected records stored with one receipt, in characters. A hundred records with reasons need
 * 20,000.
 */
const REJECTED_LENGTH_MAX = 32 * 1024;
/** Maximum length of one reason, in characters. Central's reasons are shorter. */
const REASON_LENGTH_MAX = 200;
/** Maximum length of a record ID, in characters. This boat never creates longer ones. */
const RECORD_ID_LENGTH_MAX = 300;
/** Maximum length of the import ID and the time, in characters. */
const LABEL_LENGTH_MAX = 100;

/**
 * Placeholder for rejected records that are not listed. If it is present, the export does not prove which records were delivered.
 */
const MORE_REJECTED: RejectedRecord = {
  category: '*',
  record_id: '*',
  reason: 'More records were rejected than are stored',
};

/**
 * Converts the receipt for storage in the ledger: only the protocol's fields, the counts for known categories, and a limited list
 * of rejected records. The result has at most about 40,000 characters, whatever central answers.
 */
export function toKeptReceipt(receipt: Receipt): Receipt {
  return {
    status: receipt.status,
    import_id: receipt.import_id.slice(0, LABEL_LENGTH_MAX),
    export_id: receipt.export_id,
    part: { index: receipt.part.index, count: receipt.part.count },
    sha256: receipt.sha256,
    records_imported: sumImported([receipt]),
    rejected_records: boundRejected(receipt.rejected_records),
    duplicate: receipt.duplicate,
    timestamp: receipt.timestamp.slice(0, LABEL_LENGTH_MAX),
  };
}

/** Returns the number of imported records by category, summed over the receipts. Ignores names that are not categories. */
export function sumImported(receipts: readonly Receipt[]): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const { records_imported } of receipts)
    for (const [category, count] of Object.entries(records_imported))
      if (isCategory(category))
        sums.set(category, Math.min((sums.get(category) ?? 0) + count, Number.MAX_SAFE_INTEGER));
  return Object.fromEntries(sums);
}

/** Returns the first rejected records. If some are left out, the last item is the placeholder for them. */
export function boundRejected(rejected: readonly RejectedRecord[]): RejectedRecord[] {
  const kept: RejectedRecord[] = [];
  let length = 0;
  for (const { category, record_id, reason } of rejected) {
    const item = { category, record_id, reason: toPlainText(reason.slice(0, REASON_LENGTH_MAX)) };
    length += JSON.stringify(item).length;
    const isKnown = (category === '*' || isCategory(category)) && record_id.length <= RECORD_ID_LENGTH_MAX;
    if (kept.length === REJECTED_RECORDS_KEPT_MAX - 1 || length > REJECTED_LENGTH_MAX || !isKnown)
      return [...kept, MORE_REJECTED];
    kept.push(item);
  }
  return kept;
}
