import type { StatementSync } from 'node:sqlite';
import type { Category, Receipt } from '@d3kos/protocol';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type {
  CategoryMoves,
  Entry,
  EntryStatus,
  HistoryRow,
  NewEntry,
  PartRow,
  QueueCounts,
  RecordDigest,
  Waiting,
} from './entry.ts';
import { ENTRY_COLUMNS, type EntryRow, toEntry } from './entry-row.ts';
import { createCounts } from './counts.ts';
import type { Facts } from './facts.ts';
import { createHistory, REJECTED_RECORDS_KEPT_MAX } from './history.ts';
import { createParts } from './parts.ts';
import { toQueueIdOfFile } from './policy.ts';
import { type Progress, parseRanges, printRanges, type Range } from './progress.ts';
import { createWireMonths } from './wire-months.ts';

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
  /**
   * Inserts the entry, moves the cursors, counts the sequence and claims the slot, all at once: the export is acknowledged
   * when this returns. With `stagedNo` it is the entry for which `stageDigests` wrote digests: they count from now on.
   */
  enqueue(
    entry: NewEntry,
    moves: readonly CategoryMoves[],
    claims?: { readonly slotId?: string | undefined; readonly stagedNo?: number | undefined },
  ): Entry;
  /**
   * Writes digests of an export that is being collected, which do not count before it is enqueued. Gives the number its
   * entry will have: `stagedNo` of the next call and of `enqueue`; undefined in the first call, before which
   * `digests.purge` has found nothing left.
   */
  stageDigests(stagedNo: number | undefined, category: Category, digests: readonly RecordDigest[]): number;
  /**
   * Inserts an entry for a file found without one; undefined where its export has an entry. No cursor moves: its records
   * go again, and central stores them once.
   */
  adopt(entry: NewEntry): Entry | undefined;
  /**
   * The oldest pending entry that `isDue` accepts becomes `uploading`; undefined where it accepts none. Who is being sent
   * is not written down: after a power cut nobody is, and a commit less is an fsync less for every export.
   */
  claim(isDue: (entry: Waiting) => boolean, size?: SizeRange): Entry | undefined;
  /** The oldest pending entry that another ledger counted (sequence 0). */
  firstForeign(): Entry | undefined;
  /** True where `claim` would find one. */
  hasDue(isDue: (entry: Waiting) => boolean, size: SizeRange): boolean;
  /** Whatever waits and is not being sent, oldest first. */
  waiting(): readonly Waiting[];
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
  /** A failed entry is pending again, with no attempt spent. A removal of it that had begun is no loss. */
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
    `INSERT INTO entries (entry_no, queue_id, export_id, export_file, odd_file, export_type, trigger_kind, tier, sequence,
       category_count, record_count, categories, ranges, file_size_bytes, created_at_ms, status, next_retry_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`,
  );
  const selectEntries = (rest: string): StatementSync => {
    const statement = db.prepare(`SELECT ${ENTRY_COLUMNS} FROM entries ${rest}`);
    // An object with a name for each of so many columns takes twice as long.
    statement.setReturnArrays(true);
    return statement;
  };
  const byNo = selectEntries('WHERE entry_no = ?');
  const byQueueId = selectEntries('WHERE queue_id = ?');
  const selectNewest = selectEntries('ORDER BY entry_no DESC LIMIT 1');
  const byExportId = selectEntries('WHERE export_id = ?');
  const byOddFile = selectEntries('WHERE odd_file = ?');
  const byStatus = selectEntries('WHERE entry_no >= ? AND status = ? ORDER BY entry_no LIMIT ?');
  const nextPending = db.prepare(
    "SELECT entry_no FROM entries WHERE entry_no >= ? AND status = 'pending' ORDER BY entry_no LIMIT 1",
  );
  const oldestBySize = selectEntries(
    "WHERE entry_no >= ? AND status = 'pending' AND file_size_bytes > ? AND file_size_bytes <= ? ORDER BY entry_no LIMIT 1",
  );
  // Ten thousand may wait of which none is due: whole entries, with their JSON, would take ten times as long.
  const pendingBySize = db.prepare(
    `SELECT entry_no, file_size_bytes, retry_count, next_retry_at_ms FROM entries
     WHERE entry_no >= ? AND status = 'pending' AND file_size_bytes > ? AND file_size_bytes <= ? ORDER BY entry_no`,
  );
  pendingBySize.setReturnArrays(true);
  const pendingForeign = selectEntries(
    "WHERE entry_no >= ? AND status = 'pending' AND sequence = 0 ORDER BY entry_no LIMIT 1",
  );
  const selectRanges = db.prepare('SELECT ranges FROM entries WHERE entry_no = ?');
  const uploading = new Set<number>();
  const setPending = db.prepare(
    `UPDATE entries SET status = 'pending', retry_count = coalesce(?, retry_count), next_retry_at_ms = ?, last_error = ?
     WHERE entry_no = ? AND status = 'pending'`,
  );
  const setCompleted = db.prepare(
    `UPDATE entries SET status = 'completed', completed_at_ms = ?, retry_count = 0, wire_size_bytes = wire_size_bytes + ?
     WHERE entry_no = ? AND status = 'pending'`,
  );
  const setFailed = db.prepare(
    "UPDATE entries SET status = 'failed', failed_at_ms = ?, last_error = ?, export_file = ?, odd_file = ? WHERE entry_no = ? AND status = 'pending'",
  );
  const setRequeued = db.prepare(
    "UPDATE entries SET status = 'pending', retry_count = 0, next_retry_at_ms = ?, failed_at_ms = NULL WHERE entry_no = ? AND status = 'failed'",
  );
  const deleteEntry = db.prepare(
    "DELETE FROM entries WHERE entry_no = ? AND status IN ('completed', 'failed')",
  );
  const updateFile = db.prepare('UPDATE entries SET export_file = ?, odd_file = ? WHERE entry_no = ?');
  const addEntryWire = db.prepare(
    'UPDATE entries SET wire_size_bytes = wire_size_bytes + ? WHERE entry_no = ?',
  );
  const months = createWireMonths(ledger);
  const addWire = (entryNo: number, sizeBytes: number, atMs: WallMs): void => {
    if (sizeBytes > 0) addEntryWire.run(sizeBytes, entryNo);
    months.add(atMs, sizeBytes);
  };
  const setPartSize = db.prepare(
    'UPDATE entries SET part_size_bytes = ?, retry_count = 0 WHERE entry_no = ?',
  );
  const parts = createParts(ledger);
  const resetAttempts = db.prepare(
    'UPDATE entries SET retry_count = 0, last_error = NULL WHERE entry_no = ?',
  );
  const history = createHistory(ledger);
  const counts = createCounts(ledger);
  const sumWaiting = db.prepare(
    "SELECT coalesce(sum(file_size_bytes), 0) AS n FROM entries WHERE entry_no >= ? AND status = 'pending'",
  );
  const insertSlot = db.prepare('INSERT INTO slots (slot_id, claimed_at_ms, queue_id) VALUES (?, ?, ?)');
  const insertLoss = db.prepare('INSERT INTO losses (at_ms, what, size_bytes, reason) VALUES (?, ?, ?, ?)');
  const takeBackLoss = db.prepare(
    'DELETE FROM losses WHERE loss_no = (SELECT max(loss_no) FROM losses WHERE what = ? AND size_bytes = ?)',
  );
  const selectLosses = db.prepare('SELECT at_ms, what, size_bytes, reason FROM losses ORDER BY loss_no');

  const toCurrent = (row: EntryRow): Entry => {
    const entry = toEntry(row);
    return uploading.has(entry.entryNo) ? { ...entry, status: 'uploading' } : entry;
  };
  const all = (rows: unknown): readonly Entry[] => (rows as readonly EntryRow[]).map(toCurrent);
  const first = (row: unknown): Entry | undefined =>
    row === undefined ? undefined : toCurrent(row as EntryRow);
  /** A verb on an entry in another state is a fault of ours: it must not pass for done. */
  const mustChange = ({ changes }: { readonly changes: number | bigint }, entryNo: number): void => {
    if (Number(changes) !== 1) throw new Error(`entry ${entryNo} is not in the state this change is for`);
  };
  const mustGet = (entryNo: number): Entry => {
    const entry = first(byNo.get(entryNo));
    if (entry === undefined) throw new Error(`the ledger has no entry ${entryNo}`);
    return entry;
  };
  /** The number of the newest entry there ever was. No number is given twice: digests tell entries by it. */
  let newestNo = Math.max(progress.keptThrough(), first(selectNewest.get())?.entryNo ?? 0);
  /** No entry before this one waits: what waits is found without an index, which every commit would have to write. */
  const firstWaitingFrom = (entryNo: number): number =>
    (nextPending.get(entryNo)?.['entry_no'] as number | undefined) ?? newestNo + 1;
  let waitingFrom = firstWaitingFrom(0);
  /** Inside the transaction after which the entry waits no more: what `waitingFrom` is then. */
  const waitingFromWithout = (entryNo: number): number =>
    entryNo === waitingFrom ? firstWaitingFrom(entryNo + 1) : waitingFrom;
  /** False once no foreign entry waits: asked before every claim, it must not read the ten thousand that wait. */
  let mayHaveForeign = true;
  /**
   * The number of the next entry: none that digests are written ahead for, though that entry may never come. They would
   * count as another's.
   */
  const nextNo = (): number => Math.max(newestNo, progress.digests.stagedNo() ?? 0) + 1;
  const insert = (entryNo: number, e: NewEntry, ranges: readonly Range[]): Entry => {
    insertEntry.run(
      entryNo,
      e.queueId,
      e.exportId,
      e.exportFile,
      toOddFile(e.queueId, e.exportFile),
      e.exportType,
      e.trigger,
      e.tier,
      e.sequence,
      e.categoryCount,
      e.recordCount,
      JSON.stringify(e.categories),
      printRanges(ranges),
      e.fileSizeBytes,
      e.createdAtMs,
      e.createdAtMs,
    );
    facts.skipSequence(e.sequence);
    return {
      ...e,
      entryNo,
      status: 'pending',
      retryCount: 0,
      nextRetryAtMs: e.createdAtMs,
      lastError: undefined,
      partSizeBytes: undefined,
      wireSizeBytes: 0,
      completedAtMs: undefined,
      failedAtMs: undefined,
    };
  };
  /** What waits and is not being sent, oldest first, without reading the ten thousand behind what is wanted. */
  function* iterateWaiting(size: SizeRange): Generator<Waiting, void, void> {
    for (const row of pendingBySize.iterate(waitingFrom, size.overBytes, size.upToBytes)) {
      // The statement's columns, which are STRICT INTEGER.
      const [entryNo, fileSizeBytes, retryCount, nextRetryAtMs] = row as unknown as WaitingRow;
      if (!uploading.has(entryNo)) yield { entryNo, fileSizeBytes, retryCount, nextRetryAtMs };
    }
  }
  const firstWaiting = (isDue: (entry: Waiting) => boolean, size: SizeRange): number | undefined => {
    for (const entry of iterateWaiting(size)) if (isDue(entry)) return entry.entryNo;
    return undefined;
  };
  const printReceipt = (receipt: Receipt): string =>
    JSON.stringify(
      receipt.rejected_records.length <= REJECTED_RECORDS_KEPT_MAX
        ? receipt
        : { ...receipt, rejected_records: receipt.rejected_records.slice(0, REJECTED_RECORDS_KEPT_MAX) },
    );
  return {
    enqueue: (entry, moves, { slotId, stagedNo } = {}) => {
      const ranges = progress.toRanges(moves);
      // Entries are in the order of their numbers: cursors are where the newest left them.
      if (stagedNo !== undefined && stagedNo <= newestNo)
        throw new Error(`entry ${newestNo} came before entry ${stagedNo}`);
      const inserted = ledger.transaction(() => {
        const enqueued = insert(stagedNo ?? nextNo(), entry, ranges);
        if (slotId !== undefined) insertSlot.run(slotId, entry.createdAtMs, entry.queueId);
        progress.advanceDigests(enqueued.entryNo, moves, stagedNo === undefined ? 'all_now' : 'with_ahead');
        return enqueued;
      });
      newestNo = inserted.entryNo;
      counts.moved(undefined, 'pending');
      progress.advanced(ranges);
      if (stagedNo !== undefined) progress.digests.committed(stagedNo, 'settled');
      return inserted;
    },
    stageDigests: (stagedNo, category, digests) => {
      const ahead = progress.digests.stagedNo();
      if (ahead !== stagedNo)
        throw new Error(`digests are written ahead for entry ${ahead}, not ${stagedNo}`);
      const entryNo = stagedNo ?? nextNo();
      ledger.transaction(() => progress.digests.stageDigests(entryNo, category, digests));
      progress.digests.committed(entryNo, 'ahead');
      return entryNo;
    },
    adopt: (entry) => {
      const inserted = ledger.transaction(() =>
        byExportId.get(entry.exportId) === undefined ? insert(nextNo(), entry, []) : undefined,
      );
      if (inserted === undefined) return undefined;
      newestNo = inserted.entryNo;
      counts.moved(undefined, 'pending');
      mayHaveForeign = true;
      return inserted;
    },
    firstForeign: () => {
      if (!mayHaveForeign) return undefined;
      const foreign = first(pendingForeign.get(waitingFrom));
      mayHaveForeign = foreign !== undefined;
      return foreign;
    },
    hasDue: (isDue, size) => firstWaiting(isDue, size) !== undefined,
    waiting: () => [...iterateWaiting(ANY_SIZE)],
    unclaim: (entryNo) => {
      uploading.delete(entryNo);
    },
    claim: (isDue, size = ANY_SIZE) => {
      const oldest = first(oldestBySize.get(waitingFrom, size.overBytes, size.upToBytes));
      if (oldest === undefined) return undefined;
      // Nearly always the oldest is due, and this one statement is enough.
      const isOldest = oldest.status === 'pending' && isDue(oldest);
      const entryNo = isOldest ? oldest.entryNo : firstWaiting(isDue, size);
      if (entryNo === undefined) return undefined;
      const due = isOldest ? oldest : mustGet(entryNo);
      uploading.add(entryNo);
      return { ...due, status: 'uploading' };
    },
    putBack: (entryNo, { spent, nextRetryAtMs, lastError, wireSizeBytes, atMs }) => {
      ledger.transaction(() => {
        addWire(entryNo, wireSizeBytes, atMs);
        mustChange(setPending.run(spent ?? null, nextRetryAtMs, lastError, entryNo), entryNo);
      });
      uploading.delete(entryNo);
    },
    plan: (entryNo, partSizeBytes, planned) =>
      ledger.transaction(() => {
        setPartSize.run(partSizeBytes, entryNo);
        parts.plan(entryNo, planned);
      }),
    acknowledge: (entryNo, acknowledged) =>
      ledger.transaction(() => {
        addWire(entryNo, acknowledged.wireSizeBytes, acknowledged.atMs);
        parts.acknowledge(
          entryNo,
          acknowledged.partIndex,
          printReceipt(acknowledged.receipt),
          acknowledged.atMs,
        );
        resetAttempts.run(entryNo);
      }),
    complete: (entryNo, { partIndex, receipt, atMs, wireSizeBytes }) => {
      const done = ledger.transaction(() => {
        const before = mustGet(entryNo);
        const lastReceipt = printReceipt(receipt);
        let receipts: readonly Receipt[] = [receipt];
        // An export that is a single part, the file itself, is not planned: its only receipt is in history.
        if (before.partSizeBytes !== undefined) {
          parts.acknowledge(entryNo, partIndex, lastReceipt, atMs);
          const planned = parts.receipts(entryNo);
          if (planned.length > 0) receipts = planned;
        }
        const sum = months.addToHistory(atMs, wireSizeBytes);
        const entry = { ...before, wireSizeBytes: before.wireSizeBytes + wireSizeBytes };
        history.insert({ entry, atMs, monthBytes: sum.sizeBytes, receipts, lastReceipt });
        mustChange(setCompleted.run(atMs, wireSizeBytes, entryNo), entryNo);
        return {
          entry: { ...entry, status: 'completed' as const, retryCount: 0, completedAtMs: atMs },
          sum,
          waitingFrom: waitingFromWithout(entryNo),
        };
      });
      months.completed(done.sum);
      counts.moved('pending', 'completed');
      waitingFrom = done.waitingFrom;
      uploading.delete(entryNo);
      return done.entry;
    },
    fail: (entryNo, { atMs, reason, archiveFile }) => {
      const done = ledger.transaction(() => {
        const { queueId } = mustGet(entryNo);
        mustChange(
          setFailed.run(atMs, reason, archiveFile, toOddFile(queueId, archiveFile), entryNo),
          entryNo,
        );
        // STRICT TEXT NOT NULL.
        const ranges = selectRanges.get(entryNo)?.['ranges'] as string;
        progress.giveBack(entryNo, parseRanges(ranges), newestNo);
        return {
          entry: { ...mustGet(entryNo), status: 'failed' as const },
          waitingFrom: waitingFromWithout(entryNo),
        };
      });
      progress.reload();
      counts.moved('pending', 'failed');
      waitingFrom = done.waitingFrom;
      uploading.delete(entryNo);
      return done.entry;
    },
    requeue: (entryNo, nowMs) => {
      const entry = ledger.transaction(() => {
        mustChange(setRequeued.run(nowMs, entryNo), entryNo);
        const requeued = mustGet(entryNo);
        takeBackLoss.run(requeued.exportFile, requeued.fileSizeBytes);
        return requeued;
      });
      counts.moved('failed', 'pending');
      waitingFrom = Math.min(waitingFrom, entryNo);
      mayHaveForeign = true;
      return entry;
    },
    resume: () => uploading.clear(),
    forget: (entryNo) => {
      const forgotten = ledger.transaction(() => {
        const entry = first(byNo.get(entryNo));
        facts.keepSequence();
        progress.keep(newestNo);
        return deleteEntry.run(entryNo).changes === 1 ? entry?.status : undefined;
      });
      if (forgotten !== undefined) counts.moved(forgotten, undefined);
    },
    setFile: (entryNo, exportFile) =>
      ledger.transaction(() => {
        const { queueId } = mustGet(entryNo);
        updateFile.run(exportFile, toOddFile(queueId, exportFile), entryNo);
      }),
    get: (entryNo) => first(byNo.get(entryNo)),
    find: (queueId) => first(byQueueId.get(queueId)),
    findByExportId: (exportId) => first(byExportId.get(exportId)),
    findByFile: (exportFile) => {
      const queueId = toQueueIdOfFile(exportFile);
      const named = queueId === undefined ? undefined : first(byQueueId.get(queueId));
      return named?.exportFile === exportFile ? named : first(byOddFile.get(exportFile));
    },
    list: (status, limit = -1) => {
      if (status === 'completed' || status === 'failed') return all(byStatus.all(0, status, limit));
      if (status === 'uploading') return [...uploading].sort((a, b) => a - b).map(mustGet);
      const listed = all(byStatus.all(waitingFrom, 'pending', limit < 0 ? -1 : limit + uploading.size));
      const pending = listed.filter((entry) => entry.status === 'pending');
      return limit < 0 ? pending : pending.slice(0, limit);
    },
    newest: () => first(selectNewest.get()),
    parts: (entryNo) => parts.list(entryNo),
    counts: () => counts.now(uploading.size),
    monthBytes: (atMs) => months.bytesIn(atMs),
    waitingBytes: () => sumWaiting.get(waitingFrom)?.['n'] as number,
    page: (status, afterEntryNo, limit) =>
      all(byStatus.all(Math.max(afterEntryNo + 1, status === 'pending' ? waitingFrom : 0), status, limit)),
    history: (limit) => history.list(limit),
    historyPage: (afterHistoryNo, limit) => history.page(afterHistoryNo, limit),
    newestHistoryNo: () => history.newestNo(),
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

/** One row of what waits. */
type WaitingRow = readonly [
  entryNo: number,
  fileSizeBytes: number,
  retryCount: number,
  nextRetryAtMs: WallMs,
];

/** What `odd_file` holds: the file, where its name does not tell the queue id. */
function toOddFile(queueId: string, exportFile: string): string | null {
  return toQueueIdOfFile(exportFile) === queueId ? null : exportFile;
}
