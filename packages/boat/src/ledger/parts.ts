import type { Receipt } from '@d3kos/protocol';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Slice } from '../spool/policy.ts';
import type { PartRow } from './entry.ts';

/** The parts of exports that were split. An export sent as one part has no rows. */
export interface Parts {
  /** Inside a transaction: stores the parts of an entry, replacing its earlier unacknowledged parts. */
  plan(entryNo: number, parts: readonly Pick<PartRow, 'index' | 'slices'>[]): void;
  /** Inside a transaction: stores a part's receipt. */
  acknowledge(entryNo: number, partIndex: number, receipt: string, atMs: WallMs): void;
  /**
   * Inside a transaction: removes an entry's receipts, so that every part is sent again unless central holds it. Returns the
   * parts.
   */
  reopen(entryNo: number): readonly PartRow[];
  list(entryNo: number): readonly PartRow[];
  /** Returns the receipts of the acknowledged parts, in part order. */
  receipts(entryNo: number): readonly Receipt[];
}

export function createParts({ db }: LedgerDatabase): Parts {
  const deleteOpen = db.prepare('DELETE FROM parts WHERE entry_no = ? AND receipt IS NULL');
  const insert = db.prepare('INSERT INTO parts (entry_no, part_index, slices) VALUES (?, ?, ?)');
  const update = db.prepare(
    'UPDATE parts SET receipt = ?, acknowledged_at_ms = ? WHERE entry_no = ? AND part_index = ?',
  );
  const removeReceipts = db.prepare(
    'UPDATE parts SET receipt = NULL, acknowledged_at_ms = NULL WHERE entry_no = ? AND receipt IS NOT NULL',
  );
  const select = db.prepare(
    'SELECT part_index, slices, receipt IS NOT NULL AS acknowledged FROM parts WHERE entry_no = ? ORDER BY part_index',
  );
  const selectReceipts = db.prepare(
    'SELECT receipt FROM parts WHERE entry_no = ? AND receipt IS NOT NULL ORDER BY part_index',
  );
  const list = (entryNo: number): readonly PartRow[] =>
    select.all(entryNo).map((row) => ({
      index: row['part_index'] as number,
      // `plan` wrote this JSON.
      slices: (JSON.parse(row['slices'] as string) as readonly Slice[] | null) ?? undefined,
      acknowledged: row['acknowledged'] === 1,
    }));
  return {
    plan: (entryNo, parts) => {
      deleteOpen.run(entryNo);
      for (const { index, slices } of parts) insert.run(entryNo, index, JSON.stringify(slices ?? null));
    },
    acknowledge: (entryNo, partIndex, receipt, atMs) => {
      update.run(receipt, atMs, entryNo, partIndex);
    },
    reopen: (entryNo) => {
      removeReceipts.run(entryNo);
      return list(entryNo);
    },
    list,
    // The queue wrote this JSON from validated receipts.
    receipts: (entryNo) =>
      selectReceipts.all(entryNo).map((row) => JSON.parse(row['receipt'] as string) as Receipt),
  };
}
