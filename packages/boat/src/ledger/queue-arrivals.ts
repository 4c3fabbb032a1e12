import type { Category } from '@d3kos/protocol';
import type { LedgerDatabase } from '../platform/ports.ts';
import type { Counters } from './counters.ts';
import type { Cursors } from './cursors.ts';
import type { Digests } from './digests.ts';
import type { Facts } from './facts.ts';
import type { LedgerChanges } from './ledger-changes.ts';
import { toRenumberedExportId } from './labels.ts';
import type { CategoryMoves, Entry, NewEntry, RecordDigest } from './entry.ts';
import type { QueueReads } from './queue-reads.ts';

/**
 * Adds entries to the queue. Each operation is one transaction: once it returns, it is durable; if it throws, it has no effect.
 */
export interface QueueArrivals {
  /**
   * Inserts the entry, moves the cursors, uses up the sequence and claims the slot in one transaction. Once this returns, the
   * export is acknowledged. If a new ledger has begun since the file was started, the export is renumbered in the new ledger.
   * `stagedNo` is the entry number that `stageDigests` returned; its staged digests become valid.
   */
  enqueue(
    entry: NewEntry,
    moves: readonly CategoryMoves[],
    claims?: { readonly slotId?: string | undefined; readonly stagedNo?: number | undefined },
  ): Entry;
  /**
   * Stages digests of an export that is being collected. They become valid when it is enqueued. Returns the future entry's
   * number, which must be passed as `stagedNo` to the next call and to `enqueue`. The first call has no `stagedNo`; before that
   * call, the staged digests of any abandoned export must have been purged.
   */
  stageDigests(stagedNo: number | undefined, category: Category, digests: readonly RecordDigest[]): number;
  /**
   * Inserts an entry for a file that has none. Returns undefined if the export already has an entry. Moves no cursor, so the next
   * export contains the records again, and central stores them once.
   */
  adopt(entry: NewEntry): Entry | undefined;
}

export interface ArrivalTables {
  readonly facts: Facts;
  readonly changes: LedgerChanges;
  readonly counters: Counters;
  readonly cursors: Cursors;
  readonly digests: Digests;
}

export function createQueueArrivals(
  ledger: LedgerDatabase,
  { facts, changes, counters, cursors, digests }: ArrivalTables,
  reads: QueueReads,
): QueueArrivals {
  const { db } = ledger;
  const insertSlot = db.prepare('INSERT INTO slots (slot_id, claimed_at_ms, queue_id) VALUES (?, ?, ?)');
  const insert = createInsert(ledger, counters);
  return {
    enqueue: (entry, moves, { slotId, stagedNo } = {}) =>
      ledger.transaction(() => {
        const numbered = toCurrentLedger(facts, entry);
        const inserted = insert(stagedNo ?? counters.takeEntryNo(), numbered);
        // A full export that was started before the new ledger began does not count, because it may lack records that were
        // delivered under the former ledger.
        if (numbered === entry && entry.exportType === 'full') changes.noteFullExport(inserted.entryNo);
        if (slotId !== undefined) insertSlot.run(slotId, entry.createdAtMs, entry.queueId);
        if (stagedNo !== undefined) digests.promote(stagedNo);
        digests.write(inserted.entryNo, moves);
        cursors.advance(inserted.entryNo, moves);
        return inserted;
      }),
    stageDigests: (stagedNo, category, carried) =>
      ledger.transaction(() => {
        const found = digests.stagedNo();
        if (found !== stagedNo) throw new Error(`digests are staged for entry ${found}, not for ${stagedNo}`);
        const entryNo = stagedNo ?? counters.takeEntryNo();
        digests.stage(entryNo, category, carried);
        return entryNo;
      }),
    adopt: (entry) =>
      ledger.transaction(() =>
        reads.findByExportId(entry.exportId) === undefined && reads.findByFile(entry.exportFile) === undefined
          ? insert(counters.takeEntryNo(), entry)
          : undefined,
      ),
  };
}

/** Renumbers an export in the current ledger if that ledger began after the export's file was started. */
function toCurrentLedger(facts: Facts, entry: NewEntry): NewEntry {
  const { ledgerId } = facts;
  if (entry.ledgerId === undefined || entry.ledgerId === ledgerId) return entry;
  const sequence = facts.nextSequence();
  return { ...entry, ledgerId, sequence, exportId: toRenumberedExportId(ledgerId, sequence) };
}

/** Inside a transaction: inserts a pending entry and uses up its sequence. */
function createInsert(
  { db }: LedgerDatabase,
  counters: Counters,
): (entryNo: number, entry: NewEntry) => Entry {
  const insert = db.prepare(
    `INSERT INTO entries (entry_no, queue_id, export_id, export_file, export_type, trigger_kind, tier, sequence,
       category_count, record_count, categories, file_size_bytes, created_at_ms, status, next_retry_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`,
  );
  return (entryNo, entry) => {
    insert.run(
      entryNo,
      entry.queueId,
      entry.exportId,
      entry.exportFile,
      entry.exportType,
      entry.trigger,
      entry.tier,
      entry.sequence,
      entry.categoryCount,
      entry.recordCount,
      JSON.stringify(entry.categories),
      entry.fileSizeBytes,
      entry.createdAtMs,
      entry.createdAtMs,
    );
    counters.raiseSequence(entry.sequence);
    const { ledgerId: _, ...facts } = entry;
    return {
      ...facts,
      entryNo,
      status: 'pending',
      retryCount: 0,
      refusalCount: 0,
      nextRetryAtMs: entry.createdAtMs,
      lastError: undefined,
      partSizeBytes: undefined,
      wireSizeBytes: 0,
      completedAtMs: undefined,
      failedAtMs: undefined,
    };
  };
}
