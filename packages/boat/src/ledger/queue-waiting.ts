import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Entry } from './entry.ts';
import type { QueueReads } from './queue-reads.ts';
import type { SizeRange, Waiting } from './waiting.ts';

/** All file sizes. This is the default for every operation. */
const ANY_SIZE: SizeRange = { overBytes: -1, upToBytes: Number.MAX_SAFE_INTEGER };

/**
 * The waiting entries, including those being sent. These operations only list and mark entries; `deliver/policy/send-order.ts`
 * decides which entry is next.
 */
export interface QueueWaiting {
  /**
   * Marks the oldest pending entry that `isNext` accepts as `uploading` and returns it, or returns undefined if there is none.
   * The mark is kept only in memory, which saves one fsync per export (decision 0016). No upload survives a power cut anyway.
   */
  claim(isNext: (entry: Waiting) => boolean, size?: SizeRange): Entry | undefined;
  /** Yields the waiting entries that are not being sent, oldest first. Reads each entry when it is requested. */
  waiting(size?: SizeRange): Iterable<Waiting>;
  /** Yields the entries in `waiting` that come from another ledger (sequence 0), oldest first. */
  waitingOfOtherLedgers(): Iterable<Waiting>;
  /** Ends the retry delays of all waiting entries, in one transaction. Attempts and refusals so far still count. */
  endWaits(atMs: WallMs): void;
  /** Returns an `uploading` entry to pending, unchanged. */
  unclaim(entryNo: number): void;
  /** Returns every `uploading` entry to pending. Their idempotency keys do not change. */
  resume(): void;
}

/** Creates the operations. `uploading` contains the numbers of the entries being sent. Only `claim` adds to it. */
export function createQueueWaiting(
  ledger: LedgerDatabase,
  reads: QueueReads,
  uploading: Set<number>,
): QueueWaiting {
  const { db } = ledger;
  const columns = 'entry_no, file_size_bytes, retry_count, refusal_count, next_retry_at_ms';
  // Ten thousand entries may be waiting without any being due. Reading complete entries with their JSON would take ten times as
  // long.
  const pendingBySize = db.prepare(
    `SELECT ${columns} FROM entries INDEXED BY entries_pending
     WHERE status = 'pending' AND file_size_bytes > ? AND file_size_bytes <= ? ORDER BY entry_no`,
  );
  const pendingOfOtherLedgers = db.prepare(
    `SELECT ${columns} FROM entries INDEXED BY entries_pending_foreign
     WHERE status = 'pending' AND sequence = 0 ORDER BY entry_no`,
  );
  for (const statement of [pendingBySize, pendingOfOtherLedgers]) statement.setReturnArrays(true);
  const endWaits = db.prepare(
    `UPDATE entries INDEXED BY entries_pending SET next_retry_at_ms = ?
     WHERE status = 'pending' AND (retry_count > 0 OR refusal_count > 0)`,
  );

  function* skipUploading(rows: Iterable<unknown>): Generator<Waiting, void, void> {
    for (const row of rows) {
      // The statements' columns are INTEGER in a STRICT table.
      const [entryNo, fileSizeBytes, retryCount, refusalCount, nextRetryAtMs] = row as WaitingRow;
      if (!uploading.has(entryNo)) yield { entryNo, fileSizeBytes, retryCount, refusalCount, nextRetryAtMs };
    }
  }
  const waiting = (size: SizeRange = ANY_SIZE): Generator<Waiting, void, void> =>
    skipUploading(pendingBySize.iterate(size.overBytes, size.upToBytes));
  const firstNext = (isNext: (entry: Waiting) => boolean, size?: SizeRange): number | undefined => {
    for (const entry of waiting(size)) if (isNext(entry)) return entry.entryNo;
    return undefined;
  };
  return {
    claim: (isNext, size) => {
      const entryNo = firstNext(isNext, size);
      if (entryNo === undefined) return undefined;
      uploading.add(entryNo);
      return reads.get(entryNo);
    },
    waiting,
    waitingOfOtherLedgers: () => skipUploading(pendingOfOtherLedgers.iterate()),
    endWaits: (atMs) =>
      ledger.transaction(() => {
        endWaits.run(atMs);
      }),
    unclaim: (entryNo) => {
      uploading.delete(entryNo);
    },
    resume: () => uploading.clear(),
  };
}

type WaitingRow = readonly [
  entryNo: number,
  fileSizeBytes: number,
  retryCount: number,
  refusalCount: number,
  nextRetryAtMs: number,
];
