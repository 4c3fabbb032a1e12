import type { StatementSync } from 'node:sqlite';
import type { OpenExport } from '@d3kos/protocol';
import type { LedgerDatabase } from '../platform/ports.ts';
import type { Counters } from './counters.ts';
import type { Entry, EntryStatus, QueueCounts } from './entry.ts';
import { ENTRY_COLUMNS, type EntryRow, toEntry } from './entry-row.ts';

/** Looks up entries and computes totals. */
export interface QueueReads {
  get(entryNo: number): Entry | undefined;
  find(queueId: string): Entry | undefined;
  findByFile(exportFile: string): Entry | undefined;
  /** Scans all entries. There is no index, because only adoption and failed commits search by export ID. */
  findByExportId(exportId: string): Entry | undefined;
  /** Oldest first. */
  list(status: EntryStatus, limit?: number): readonly Entry[];
  /**
   * Returns the entries after `afterEntryNo` that have the given stored status, oldest first. `pending` includes entries that are
   * being sent.
   */
  page(status: Exclude<EntryStatus, 'uploading'>, afterEntryNo: number, limit: number): readonly Entry[];
  /** The newest entry, whatever its status. */
  newest(): Entry | undefined;
  /** This ledger's newest waiting and failed exports, newest first. */
  openExports(limit: number): readonly OpenExport[];
  /** This ledger's newest exports that failed and have since been retried, newest first. */
  reinstatedSequences(limit: number): readonly number[];
  counts(): QueueCounts;
  /** Total size of the export files that are waiting or being sent, in bytes. */
  waitingBytes(): number;
}

/** Creates the reads. `uploading` contains the numbers of the entries that are being sent (decision 0016). */
export function createQueueReads(
  { db }: LedgerDatabase,
  counters: Counters,
  uploading: ReadonlySet<number>,
): QueueReads {
  const selectEntries = (rest: string): StatementSync => {
    const statement = db.prepare(`SELECT ${ENTRY_COLUMNS} FROM entries ${rest}`);
    // Reading rows with this many columns as objects would take twice as long.
    statement.setReturnArrays(true);
    return statement;
  };
  const byNo = selectEntries('WHERE entry_no = ?');
  const byQueueId = selectEntries('WHERE queue_id = ?');
  const byExportId = selectEntries('WHERE export_id = ?');
  const reinstated = db.prepare(
    `SELECT sequence FROM entries WHERE failed_at_ms IS NOT NULL AND status <> 'failed' AND sequence > 0
     ORDER BY sequence DESC LIMIT ?`,
  );
  const byFile = selectEntries('WHERE export_file = ? ORDER BY entry_no LIMIT 1');
  const newest = selectEntries('ORDER BY entry_no DESC LIMIT 1');
  const pending = selectEntries(
    "INDEXED BY entries_pending WHERE status = 'pending' AND entry_no >= ? ORDER BY entry_no LIMIT ?",
  );
  const byStatus = selectEntries('WHERE entry_no >= ? AND status = ? ORDER BY entry_no LIMIT ?');
  const sumWaiting = db.prepare(
    "SELECT coalesce(sum(file_size_bytes), 0) AS n FROM entries INDEXED BY entries_pending WHERE status = 'pending'",
  );

  const toCurrent = (row: unknown): Entry => {
    // The row is an array with the statement's columns.
    const entry = toEntry(row as EntryRow);
    return uploading.has(entry.entryNo) ? { ...entry, status: 'uploading' } : entry;
  };
  const first = (row: unknown): Entry | undefined => (row === undefined ? undefined : toCurrent(row));
  const get = (entryNo: number): Entry | undefined => first(byNo.get(entryNo));
  const select = (status: Exclude<EntryStatus, 'uploading'>, from: number, limit: number): readonly Entry[] =>
    (status === 'pending' ? pending.all(from, limit) : byStatus.all(from, status, limit)).map(toCurrent);
  return {
    get,
    find: (queueId) => first(byQueueId.get(queueId)),
    findByFile: (exportFile) => first(byFile.get(exportFile)),
    findByExportId: (exportId) => first(byExportId.get(exportId)),
    list: (status, limit = -1) => {
      if (status === 'completed' || status === 'failed') return select(status, 0, limit);
      if (status === 'uploading') return [...uploading].sort((a, b) => a - b).flatMap((no) => get(no) ?? []);
      const stored = select('pending', 0, limit < 0 ? -1 : limit + uploading.size);
      const waiting = stored.filter((entry) => entry.status === 'pending');
      return limit < 0 ? waiting : waiting.slice(0, limit);
    },
    page: (status, afterEntryNo, limit) => select(status, afterEntryNo + 1, limit),
    newest: () => first(newest.get()),
    openExports: createOpenExports(db),
    // The column is INTEGER in a STRICT table.
    reinstatedSequences: (limit) => reinstated.all(limit).map((row) => row['sequence'] as number),
    counts: () => {
      const stored = counters.entriesByStatus();
      return { ...stored, pending: stored.pending - uploading.size, uploading: uploading.size };
    },
    // The column is INTEGER in a STRICT table.
    waitingBytes: () => sumWaiting.get()?.['n'] as number,
  };
}

/** See `QueueReads.openExports`. */
function createOpenExports(db: LedgerDatabase['db']): QueueReads['openExports'] {
  // Two scans by entry number, because failed entries have no index.
  const select = db.prepare(
    `SELECT sequence, export_id FROM (
       SELECT * FROM (SELECT entry_no, sequence, export_id FROM entries INDEXED BY entries_pending
         WHERE status = 'pending' AND sequence > 0 ORDER BY entry_no DESC LIMIT ?1)
       UNION ALL
       SELECT * FROM (SELECT entry_no, sequence, export_id FROM entries
         WHERE status = 'failed' AND sequence > 0 ORDER BY entry_no DESC LIMIT ?1))
     ORDER BY sequence DESC LIMIT ?1`,
  );
  return (limit) =>
    select.all(limit).map((row) => ({
      // The columns are INTEGER and TEXT in a STRICT table.
      sequence: row['sequence'] as number,
      export_id: row['export_id'] as string,
    }));
}
