import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Entry, Waiting } from './entry.ts';
import type { QueueReads } from './queue-reads.ts';

/** Entries whose file is larger than `overBytes` and not larger than `upToBytes`. */
export interface SizeRange {
  readonly overBytes: number;
  readonly upToBytes: number;
}

/** All file sizes. This is the default of `claim`. */
const ANY_SIZE: SizeRange = { overBytes: -1, upToBytes: Number.MAX_SAFE_INTEGER };

/** The waiting entries, and which of them are being sent. */
export interface QueueWaiting {
  /**
   * Marks the oldest pending entry that `isDue` accepts as `uploading` and returns it, or undefined if there is none.
   * The mark is kept only in memory, because no upload survives a power cut. This saves one fsync per export (decision
   * 0016).
   */
  claim(isDue: (entry: Waiting) => boolean, size?: SizeRange): Entry | undefined;
  /** True if `claim` would return an entry. */
  hasDue(isDue: (entry: Waiting) => boolean, size: SizeRange): boolean;
  /** The oldest pending entry from another ledger (sequence 0). */
  firstForeign(): Entry | undefined;
  /** The waiting entries that are not being sent, oldest first. */
  waiting(): readonly Waiting[];
  /** Returns an `uploading` entry to pending, unchanged. */
  unclaim(entryNo: number): void;
  /** Returns every `uploading` entry to pending. Their idempotency keys do not change. */
  resume(): void;
}

/** `uploading` holds the numbers of the entries that are being sent. Only `claim` adds to it. */
export function createQueueWaiting(
  { db }: LedgerDatabase,
  reads: QueueReads,
  uploading: Set<number>,
): QueueWaiting {
  // Ten thousand entries may wait while none is due. Reading whole entries with their JSON would take ten times as long.
  const pendingBySize = db.prepare(
    `SELECT entry_no, file_size_bytes, retry_count, next_retry_at_ms FROM entries INDEXED BY entries_pending
     WHERE status = 'pending' AND file_size_bytes > ? AND file_size_bytes <= ? ORDER BY entry_no`,
  );
  pendingBySize.setReturnArrays(true);
  const pendingForeign = db.prepare(
    `SELECT entry_no FROM entries INDEXED BY entries_pending_foreign
     WHERE status = 'pending' AND sequence = 0 ORDER BY entry_no LIMIT 1`,
  );

  function* iterateWaiting(size: SizeRange): Generator<Waiting, void, void> {
    for (const row of pendingBySize.iterate(size.overBytes, size.upToBytes)) {
      // The statement's columns are INTEGER in a STRICT table.
      const [entryNo, fileSizeBytes, retryCount, nextRetryAtMs] = row as unknown as WaitingRow;
      if (!uploading.has(entryNo)) yield { entryNo, fileSizeBytes, retryCount, nextRetryAtMs };
    }
  }
  const firstDue = (isDue: (entry: Waiting) => boolean, size: SizeRange): number | undefined => {
    for (const entry of iterateWaiting(size)) if (isDue(entry)) return entry.entryNo;
    return undefined;
  };
  return {
    claim: (isDue, size = ANY_SIZE) => {
      const entryNo = firstDue(isDue, size);
      if (entryNo === undefined) return undefined;
      uploading.add(entryNo);
      return reads.get(entryNo);
    },
    hasDue: (isDue, size) => firstDue(isDue, size) !== undefined,
    firstForeign: () => {
      const row = pendingForeign.get();
      // The column is INTEGER in a STRICT table.
      return row === undefined ? undefined : reads.get(row['entry_no'] as number);
    },
    waiting: () => [...iterateWaiting(ANY_SIZE)],
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
  nextRetryAtMs: WallMs,
];
