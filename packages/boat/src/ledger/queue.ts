import type { Receipt, RejectedRecord } from '@d3kos/protocol';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Slice } from '../spool/policy.ts';
import type {
  CategoryMoves,
  Entry,
  EntryStatus,
  HistoryRow,
  NewEntry,
  PartRow,
  QueueCounts,
} from './entry.ts';
import { type Row, toEntry, toHistoryRow } from './entry-row.ts';
import type { Facts } from './facts.ts';
import { toMonth } from './policy.ts';
import type { Progress } from './progress.ts';

/** Most single rejections kept with a delivered export: enough to see a pattern, bounded for a central that rejects everything. */
export const REJECTED_RECORDS_KEPT_MAX = 1_000;

/** A part that central holds, and the bytes its delivery took since the last change of its entry. */
export interface AcknowledgedPart {
  readonly partIndex: number;
  readonly receipt: Receipt;
  readonly atMs: WallMs;
  readonly wireSizeBytes: number;
}

/** Entries whose file is larger than `overBytes` and not larger than `upToBytes`. */
export interface SizeRange {
  readonly overBytes: number;
  readonly upToBytes: number;
}

/** Every file there can be: the default of a claim. */
const ANY_SIZE: SizeRange = { overBytes: -1, upToBytes: Number.MAX_SAFE_INTEGER };

/** The entries of the queue. Every verb is one transaction: done and durable when it returns, or nothing happened. */
export interface Queue {
  /** Inserts the entry, moves the cursors, counts the sequence and claims the slot, all at once: the export is acknowledged when this returns. */
  enqueue(entry: NewEntry, moves: readonly CategoryMoves[], slot?: { readonly slotId: string }): Entry;
  /** Inserts an entry for a file found without one. No cursor moves: its records go again, and central stores them once. */
  adopt(entry: NewEntry): Entry;
  /**
   * The oldest pending entry that `isDue` accepts becomes `uploading`; undefined where it accepts none. Who is being sent
   * is not written down: after a power cut nobody is, and a commit less is an fsync less for every export.
   */
  claim(isDue: (entry: Entry) => boolean, size?: SizeRange): Entry | undefined;
  /** The oldest pending entry that another ledger counted (sequence 0). */
  firstForeign(): Entry | undefined;
  /** True where `claim` would find one. */
  hasDue(isDue: (entry: Entry) => boolean, size: SizeRange): boolean;
  /** An `uploading` entry waits again as it was: nothing about it has changed since the ledger was last written. */
  unclaim(entryNo: number): void;
  /** An `uploading` entry waits again. `spent` undefined: no attempt was spent. */
  putBack(
    entryNo: number,
    why: {
      readonly spent?: number;
      readonly nextRetryAtMs: WallMs;
      readonly lastError: string;
      readonly wireSizeBytes: number;
      readonly atMs: WallMs;
    },
  ): void;
  /**
   * Records how the entry is cut; earlier unacknowledged parts of it are replaced. The attempts start again from 0: none of
   * these parts was tried.
   */
  plan(entryNo: number, partSizeBytes: number, parts: readonly Pick<PartRow, 'index' | 'slices'>[]): void;
  /** Central holds the part. The attempts start again from 0. */
  acknowledge(entryNo: number, acknowledged: AcknowledgedPart): void;
  /** The last part is acknowledged too: the entry is delivered and written to history. */
  complete(entryNo: number, acknowledged: AcknowledgedPart): Entry;
  /** Delivery is given up: the entry keeps its reason, its ranges are due again. `archiveFile` is where its file will be. */
  fail(
    entryNo: number,
    why: { readonly atMs: WallMs; readonly reason: string; readonly archiveFile: string },
  ): Entry;
  /** A failed entry is pending again, with no attempt spent. */
  requeue(entryNo: number, nowMs: WallMs): Entry;
  /** What was being sent is pending again, under the same idempotency keys. */
  resume(): void;
  /** Removes a completed or failed entry whose file is gone; its history stays. */
  forget(entryNo: number): void;
  setFile(entryNo: number, exportFile: string): void;

  get(entryNo: number): Entry | undefined;
  find(queueId: string): Entry | undefined;
  findByFile(exportFile: string): Entry | undefined;
  findByExportId(exportId: string): Entry | undefined;
  list(status: EntryStatus, limit?: number): readonly Entry[];
  /** The entry that came last, whatever became of it. */
  newest(): Entry | undefined;
  parts(entryNo: number): readonly PartRow[];
  counts(): QueueCounts;
  /** Bytes of bodies sent in the calendar month of `atMs`. */
  monthBytes(atMs: WallMs): number;
  /** Bytes of export files that wait or are being sent. */
  waitingBytes(): number;
  /** Entries of a stored status (pending includes uploading) after `afterEntryNo`, by order of arrival. */
  page(status: Exclude<EntryStatus, 'uploading'>, afterEntryNo: number, limit: number): readonly Entry[];
  /** Newest first. */
  history(limit: number): readonly HistoryRow[];
  /** Delivered exports after the `afterHistoryNo`-th ever, oldest first, with the number of the last. */
  historyPage(
    afterHistoryNo: number,
    limit: number,
  ): { readonly rows: readonly HistoryRow[]; readonly lastHistoryNo: number };
  /** The number of the newest delivered export; 0 where there is none. */
  newestHistoryNo(): number;
  recordLoss(atMs: WallMs, what: string, sizeBytes: number, reason: string): void;
  losses(): readonly {
    readonly atMs: WallMs;
    readonly what: string;
    readonly sizeBytes: number;
    readonly reason: string;
  }[];
}

export function createQueue(ledger: LedgerDatabase, facts: Facts, progress: Progress): Queue {
  const { db } = ledger;
  const insertEntry = db.prepare(
    `INSERT INTO entries (queue_id, export_id, export_file, export_type, trigger_kind, tier, sequence, category_count,
       record_count, categories, file_size_bytes, created_at_ms, status, next_retry_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`,
  );
  const byNo = db.prepare('SELECT * FROM entries WHERE entry_no = ?');
  const byQueueId = db.prepare('SELECT * FROM entries WHERE queue_id = ?');
  const selectNewest = db.prepare('SELECT * FROM entries ORDER BY entry_no DESC LIMIT 1');
  const byExportId = db.prepare('SELECT * FROM entries WHERE export_id = ?');
  const byFile = db.prepare('SELECT * FROM entries WHERE export_file = ?');
  const byStatus = db.prepare('SELECT * FROM entries WHERE status = ? ORDER BY entry_no LIMIT ?');
  const pendingBySize = db.prepare(
    `SELECT * FROM entries WHERE status = 'pending' AND file_size_bytes > ? AND file_size_bytes <= ? ORDER BY entry_no`,
  );
  const pendingForeign = db.prepare(
    "SELECT * FROM entries WHERE status = 'pending' AND sequence = 0 ORDER BY entry_no LIMIT 1",
  );
  const uploading = new Set<number>();
  const setPending = db.prepare(
    `UPDATE entries SET status = 'pending', retry_count = coalesce(?, retry_count), next_retry_at_ms = ?, last_error = ?
     WHERE entry_no = ? AND status = 'pending'`,
  );
  const setCompleted = db.prepare(
    "UPDATE entries SET status = 'completed', completed_at_ms = ?, retry_count = 0 WHERE entry_no = ? AND status = 'pending'",
  );
  const setFailed = db.prepare(
    "UPDATE entries SET status = 'failed', failed_at_ms = ?, last_error = ?, export_file = ? WHERE entry_no = ? AND status = 'pending'",
  );
  const setRequeued = db.prepare(
    "UPDATE entries SET status = 'pending', retry_count = 0, next_retry_at_ms = ?, failed_at_ms = NULL WHERE entry_no = ? AND status = 'failed'",
  );
  const deleteEntry = db.prepare(
    "DELETE FROM entries WHERE entry_no = ? AND status IN ('completed', 'failed')",
  );
  const updateFile = db.prepare('UPDATE entries SET export_file = ? WHERE entry_no = ?');
  const addEntryWire = db.prepare(
    'UPDATE entries SET wire_size_bytes = wire_size_bytes + ? WHERE entry_no = ?',
  );
  const addMonthWire = db.prepare(
    `INSERT INTO wire_months (month, size_bytes) VALUES (?, ?)
     ON CONFLICT (month) DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes`,
  );
  const selectMonth = db.prepare('SELECT size_bytes FROM wire_months WHERE month = ?');
  const addWire = (entryNo: number, sizeBytes: number, atMs: WallMs): void => {
    if (sizeBytes === 0) return;
    addEntryWire.run(sizeBytes, entryNo);
    addMonthWire.run(toMonth(atMs), sizeBytes);
  };
  const setPartSize = db.prepare(
    'UPDATE entries SET part_size_bytes = ?, retry_count = 0 WHERE entry_no = ?',
  );
  const deleteOpenParts = db.prepare('DELETE FROM parts WHERE entry_no = ? AND receipt IS NULL');
  const insertPart = db.prepare('INSERT INTO parts (entry_no, part_index, slices) VALUES (?, ?, ?)');
  const selectParts = db.prepare(
    'SELECT part_index, slices, receipt IS NOT NULL AS acknowledged FROM parts WHERE entry_no = ? ORDER BY part_index',
  );
  // A single part, the file itself, is not planned and has no row: its receipt is in history.
  const ackPart = db.prepare(
    'UPDATE parts SET receipt = ?, acknowledged_at_ms = ? WHERE entry_no = ? AND part_index = ?',
  );
  const resetAttempts = db.prepare(
    'UPDATE entries SET retry_count = 0, last_error = NULL WHERE entry_no = ?',
  );
  const selectReceipts = db.prepare(
    'SELECT receipt FROM parts WHERE entry_no = ? AND receipt IS NOT NULL ORDER BY part_index',
  );
  const insertHistory = db.prepare(
    `INSERT INTO history (queue_id, export_id, export_file, export_type, tier, category_count, record_count, file_size_bytes,
       wire_size_bytes, created_at_ms, completed_at_ms, retry_count, last_error, records_imported, rejected_records, receipt)
     SELECT queue_id, export_id, export_file, export_type, tier, category_count, record_count, file_size_bytes,
       wire_size_bytes, created_at_ms, ?, retry_count, last_error, ?, ?, ? FROM entries WHERE entry_no = ?`,
  );
  const selectHistory = db.prepare('SELECT * FROM history ORDER BY history_no DESC LIMIT ?');
  const pageHistory = db.prepare('SELECT * FROM history WHERE history_no > ? ORDER BY history_no LIMIT ?');
  const newestHistory = db.prepare('SELECT coalesce(max(history_no), 0) AS n FROM history');
  const pageByStatus = db.prepare(
    'SELECT * FROM entries WHERE status = ? AND entry_no > ? ORDER BY entry_no LIMIT ?',
  );
  const countByStatus = db.prepare('SELECT status, count(*) AS n FROM entries GROUP BY status');
  const sumWaiting = db.prepare(
    "SELECT coalesce(sum(file_size_bytes), 0) AS n FROM entries WHERE status = 'pending'",
  );
  const insertSlot = db.prepare('INSERT INTO slots (slot_id, claimed_at_ms, queue_id) VALUES (?, ?, ?)');
  const insertLoss = db.prepare('INSERT INTO losses (at_ms, what, size_bytes, reason) VALUES (?, ?, ?, ?)');
  const selectLosses = db.prepare('SELECT at_ms, what, size_bytes, reason FROM losses ORDER BY loss_no');

  const toCurrent = (row: Row): Entry => {
    const entry = toEntry(row);
    return uploading.has(entry.entryNo) ? { ...entry, status: 'uploading' } : entry;
  };
  const entryOrUndefined = (row: Row | undefined): Entry | undefined =>
    row === undefined ? undefined : toCurrent(row);
  /** A verb on an entry in another state is a fault of ours: it must not pass for done. */
  const mustChange = ({ changes }: { readonly changes: number | bigint }, entryNo: number): void => {
    if (Number(changes) !== 1) throw new Error(`entry ${entryNo} is not in the state this change is for`);
  };
  const mustSelect = (entryNo: number): Row => {
    const row = byNo.get(entryNo);
    if (row === undefined) throw new Error(`the ledger has no entry ${entryNo}`);
    return row;
  };
  const mustGet = (entryNo: number): Entry => toCurrent(mustSelect(entryNo));
  const insert = (e: NewEntry): Entry => {
    const { lastInsertRowid } = insertEntry.run(
      e.queueId,
      e.exportId,
      e.exportFile,
      e.exportType,
      e.trigger,
      e.tier,
      e.sequence,
      e.categoryCount,
      e.recordCount,
      JSON.stringify(e.categories),
      e.fileSizeBytes,
      e.createdAtMs,
      e.createdAtMs,
    );
    facts.skipSequence(e.sequence);
    return mustGet(Number(lastInsertRowid));
  };
  /** The oldest pending entry that is due, without reading the ten thousand behind it. */
  const firstPending = (isDue: (entry: Entry) => boolean, size: SizeRange): Entry | undefined => {
    for (const row of pendingBySize.iterate(size.overBytes, size.upToBytes)) {
      const entry = toCurrent(row);
      if (entry.status === 'pending' && isDue(entry)) return entry;
    }
    return undefined;
  };
  const sumReceipts = (entryNo: number, last: Receipt) => {
    const recordsImported: Record<string, number> = {};
    const rejectedRecords: RejectedRecord[] = [];
    // Written by `storeReceipt` from validated Receipts.
    const planned = selectReceipts.all(entryNo).map((row) => JSON.parse(row['receipt'] as string) as Receipt);
    for (const receipt of planned.length > 0 ? planned : [last]) {
      for (const [category, n] of Object.entries(receipt.records_imported))
        recordsImported[category] = (recordsImported[category] ?? 0) + n;
      rejectedRecords.push(
        ...receipt.rejected_records.slice(0, REJECTED_RECORDS_KEPT_MAX - rejectedRecords.length),
      );
    }
    return { recordsImported, rejectedRecords };
  };
  const storeReceipt = (
    entryNo: number,
    { partIndex, receipt, atMs, wireSizeBytes }: AcknowledgedPart,
  ): string => {
    addWire(entryNo, wireSizeBytes, atMs);
    const text = JSON.stringify({
      ...receipt,
      rejected_records: receipt.rejected_records.slice(0, REJECTED_RECORDS_KEPT_MAX),
    });
    ackPart.run(text, atMs, entryNo, partIndex);
    return text;
  };

  return {
    enqueue: (entry, moves, slot) =>
      ledger.transaction(() => {
        const inserted = insert(entry);
        if (slot !== undefined) insertSlot.run(slot.slotId, entry.createdAtMs, entry.queueId);
        progress.advance(inserted.entryNo, moves);
        return inserted;
      }),
    adopt: (entry) => ledger.transaction(() => insert(entry)),
    firstForeign: () => entryOrUndefined(pendingForeign.get()),
    hasDue: (isDue, size) => firstPending(isDue, size) !== undefined,
    unclaim: (entryNo) => {
      uploading.delete(entryNo);
    },
    claim: (isDue, size = ANY_SIZE) => {
      const due = firstPending(isDue, size);
      if (due === undefined) return undefined;
      uploading.add(due.entryNo);
      return { ...due, status: 'uploading' };
    },
    putBack: (entryNo, { spent, nextRetryAtMs, lastError, wireSizeBytes, atMs }) => {
      ledger.transaction(() => {
        addWire(entryNo, wireSizeBytes, atMs);
        mustChange(setPending.run(spent ?? null, nextRetryAtMs, lastError, entryNo), entryNo);
      });
      uploading.delete(entryNo);
    },
    plan: (entryNo, partSizeBytes, parts) =>
      ledger.transaction(() => {
        setPartSize.run(partSizeBytes, entryNo);
        deleteOpenParts.run(entryNo);
        for (const { index, slices } of parts) insertPart.run(entryNo, index, JSON.stringify(slices ?? null));
      }),
    acknowledge: (entryNo, acknowledged) =>
      ledger.transaction(() => {
        storeReceipt(entryNo, acknowledged);
        resetAttempts.run(entryNo);
      }),
    complete: (entryNo, acknowledged) => {
      const entry = ledger.transaction(() => {
        const receipt = storeReceipt(entryNo, acknowledged);
        const { recordsImported, rejectedRecords } = sumReceipts(entryNo, acknowledged.receipt);
        insertHistory.run(
          acknowledged.atMs,
          JSON.stringify(recordsImported),
          JSON.stringify(rejectedRecords),
          receipt,
          entryNo,
        );
        mustChange(setCompleted.run(acknowledged.atMs, entryNo), entryNo);
        return toEntry(mustSelect(entryNo));
      });
      uploading.delete(entryNo);
      return entry;
    },
    fail: (entryNo, { atMs, reason, archiveFile }) => {
      const entry = ledger.transaction(() => {
        mustChange(setFailed.run(atMs, reason, archiveFile, entryNo), entryNo);
        progress.giveBack(entryNo);
        return toEntry(mustSelect(entryNo));
      });
      uploading.delete(entryNo);
      return entry;
    },
    requeue: (entryNo, nowMs) =>
      ledger.transaction(() => {
        mustChange(setRequeued.run(nowMs, entryNo), entryNo);
        return mustGet(entryNo);
      }),
    resume: () => uploading.clear(),
    forget: (entryNo) =>
      ledger.transaction(() => {
        facts.keepSequence();
        deleteEntry.run(entryNo);
      }),
    setFile: (entryNo, exportFile) =>
      ledger.transaction(() => {
        updateFile.run(exportFile, entryNo);
      }),
    get: (entryNo) => entryOrUndefined(byNo.get(entryNo)),
    find: (queueId) => entryOrUndefined(byQueueId.get(queueId)),
    findByExportId: (exportId) => entryOrUndefined(byExportId.get(exportId)),
    findByFile: (exportFile) => entryOrUndefined(byFile.get(exportFile)),
    list: (status, limit = -1) => {
      if (status === 'completed' || status === 'failed') return byStatus.all(status, limit).map(toEntry);
      if (status === 'uploading') return [...uploading].sort((a, b) => a - b).map(mustGet);
      const listed = byStatus.all('pending', limit < 0 ? -1 : limit + uploading.size).map(toCurrent);
      const pending = listed.filter((entry) => entry.status === 'pending');
      return limit < 0 ? pending : pending.slice(0, limit);
    },
    newest: () => entryOrUndefined(selectNewest.get()),
    parts: (entryNo) =>
      selectParts.all(entryNo).map((row) => ({
        index: row['part_index'] as number,
        // Written by `plan`.
        slices: (JSON.parse(row['slices'] as string) as readonly Slice[] | null) ?? undefined,
        acknowledged: row['acknowledged'] === 1,
      })),
    counts: () => {
      const counts = { pending: 0, uploading: 0, completed: 0, failed: 0 };
      // The status column is checked against the four.
      for (const row of countByStatus.all()) counts[row['status'] as EntryStatus] = row['n'] as number;
      counts.uploading = uploading.size;
      counts.pending -= uploading.size;
      return counts;
    },
    monthBytes: (atMs) => (selectMonth.get(toMonth(atMs))?.['size_bytes'] as number | undefined) ?? 0,
    waitingBytes: () => sumWaiting.get()?.['n'] as number,
    page: (status, afterEntryNo, limit) => pageByStatus.all(status, afterEntryNo, limit).map(toCurrent),
    historyPage: (afterHistoryNo, limit) => {
      const rows = pageHistory.all(afterHistoryNo, limit);
      const last = rows.at(-1);
      // STRICT INTEGER.
      return {
        rows: rows.map(toHistoryRow),
        lastHistoryNo: last === undefined ? afterHistoryNo : (last['history_no'] as number),
      };
    },
    newestHistoryNo: () => newestHistory.get()?.['n'] as number,
    history: (limit) => selectHistory.all(limit).map(toHistoryRow),
    recordLoss: (atMs, what, sizeBytes, reason) =>
      ledger.transaction(() => {
        insertLoss.run(atMs, what, sizeBytes, reason);
      }),
    losses: () =>
      selectLosses.all().map((row) => ({
        // STRICT columns.
        atMs: row['at_ms'] as WallMs,
        what: row['what'] as string,
        sizeBytes: row['size_bytes'] as number,
        reason: row['reason'] as string,
      })),
  };
}
