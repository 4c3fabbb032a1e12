import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Entry } from './entry.ts';
import type { Losses } from './losses.ts';
import { mustChange, mustGet } from './queue-outcomes.ts';
import type { QueueReads } from './queue-reads.ts';
import type { RemovedExports } from './removed-exports.ts';

/**
 * Changes entries that are completed or failed. Each operation is one transaction: once it returns, it is durable; if it throws,
 * it has no effect.
 */
export interface QueueRemovals {
  /**
   * Returns a failed entry to pending and resets its attempts. The failure time is kept, so that later documents revoke the
   * export's withdrawal (`QueueReads.reinstatedSequences`). If removal of the entry had already begun, also deletes the recorded
   * loss, because the file was not dropped.
   */
  requeue(entryNo: number, nowMs: WallMs): Entry;
  /**
   * Records that a failed entry's file is lost. Must be called before the file is removed. Repeating the call does not record a
   * second loss.
   */
  beginRemoval(entryNo: number, why: { readonly atMs: WallMs; readonly reason: string }): void;
  /** Returns true if removal of the entry has begun, so that its file may be gone. */
  hasRemovalBegun(entryNo: number): boolean;
  /**
   * Removes a completed or failed entry whose file is gone. Keeps its row in the history and, for a completed entry, its ranges.
   */
  forget(entryNo: number): void;
  setFile(entryNo: number, exportFile: string): void;
}

export function createQueueRemovals(
  ledger: LedgerDatabase,
  { losses, removed }: { readonly losses: Losses; readonly removed: RemovedExports },
  reads: QueueReads,
): QueueRemovals {
  const { db } = ledger;
  const setRequeued = db.prepare(
    `UPDATE entries SET status = 'pending', retry_count = 0, refusal_count = 0, next_retry_at_ms = ?, removal_loss_no = NULL
     WHERE entry_no = ? AND status = 'failed'`,
  );
  const selectRemoval = db.prepare('SELECT removal_loss_no FROM entries WHERE entry_no = ?');
  const setRemoval = db.prepare(
    "UPDATE entries SET removal_loss_no = ? WHERE entry_no = ? AND status = 'failed'",
  );
  const remove = db.prepare("DELETE FROM entries WHERE entry_no = ? AND status IN ('completed', 'failed')");
  const updateFile = db.prepare('UPDATE entries SET export_file = ? WHERE entry_no = ?');
  // The column is INTEGER in a STRICT table, and null if no removal has begun.
  const removalLossNo = (entryNo: number): number | undefined =>
    (selectRemoval.get(entryNo)?.['removal_loss_no'] as number | null | undefined) ?? undefined;
  return {
    requeue: (entryNo, nowMs) =>
      ledger.transaction(() => {
        const lossNo = removalLossNo(entryNo);
        mustChange(setRequeued.run(nowMs, entryNo), entryNo);
        if (lossNo !== undefined) losses.remove(lossNo);
        return mustGet(reads, entryNo);
      }),
    beginRemoval: (entryNo, { atMs, reason }) => {
      if (removalLossNo(entryNo) !== undefined) return;
      ledger.transaction(() => {
        const { exportFile, fileSizeBytes } = mustGet(reads, entryNo);
        const lossNo = losses.insert({ atMs, what: exportFile, sizeBytes: fileSizeBytes, reason });
        mustChange(setRemoval.run(lossNo, entryNo), entryNo);
      });
    },
    hasRemovalBegun: (entryNo) => removalLossNo(entryNo) !== undefined,
    forget: (entryNo) =>
      ledger.transaction(() => {
        const status = reads.get(entryNo)?.status;
        if (status === 'completed') removed.keep(entryNo);
        if (status === 'failed') removed.drop(entryNo);
        remove.run(entryNo);
      }),
    setFile: (entryNo, exportFile) =>
      ledger.transaction(() => {
        updateFile.run(exportFile, entryNo);
      }),
  };
}
