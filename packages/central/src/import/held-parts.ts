import type { HeldParts, Receipt } from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { textOf } from '../store/row.ts';

/** Maximum number of receipts in one answer: as many as a 50 MB export has parts. */
const PARTS_PER_ANSWER_MAX = 50;
/**
 * An answer ends at this number of characters. A receipt that lists a thousand rejected records has about 200 KB, and a boat
 * reads at most 2 MiB.
 */
const ANSWER_SIZE_BYTES = 524_288;

/**
 * Returns the stored receipts of an installation's export, ordered by part index and starting after `afterIndex`. The list is
 * empty if central holds no such part, for example because the export belongs to a different installation.
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
    // Only INSERT_IMPORT writes this column, and it always writes a receipt.
    parts.push(JSON.parse(text) as Receipt);
  }
  return { status: 'success', export_id: exportId, parts, next: null };
}
