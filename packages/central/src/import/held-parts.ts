import type { HeldParts, Receipt } from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { textOf } from '../store/row.ts';

/** Receipts read for one answer: a 50 MB export's parts. */
const PARTS_PER_ANSWER_MAX = 50;
/**
 * Size from which an answer is not added to: a receipt that names a thousand rejected records is about 200 KB, and a boat reads
 * 2 MiB.
 */
const ANSWER_SIZE_BYTES = 524_288;

/**
 * The receipts of what is held of one export of one installation, from the part after `afterIndex` on, as they were given
 * when the parts were stored. Nothing held is an empty list, whoever's export it is.
 */
export async function loadHeldParts(
  store: Queryable,
  installationId: string,
  exportId: string,
  afterIndex: number,
): Promise<HeldParts> {
  const rows = await store.query(
    `select receipt::text as receipt from imports
     where installation_id = $1::text and export_id = $2::text and part_index > $3::integer
     order by part_index limit ${PARTS_PER_ANSWER_MAX + 1}`,
    [installationId, exportId, afterIndex],
  );
  const parts: Receipt[] = [];
  let sizeBytes = 0;
  for (const row of rows) {
    if (parts.length === PARTS_PER_ANSWER_MAX || sizeBytes >= ANSWER_SIZE_BYTES)
      return { status: 'success', export_id: exportId, parts, next: parts.at(-1)?.part.index ?? null };
    const text = textOf(row, 'receipt');
    sizeBytes += text.length;
    // Written by storePart into a column nothing else writes.
    parts.push(JSON.parse(text) as Receipt);
  }
  return { status: 'success', export_id: exportId, parts, next: null };
}
