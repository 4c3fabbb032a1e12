import type { Receipt } from '@d3kos/protocol';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Entry, HistoryRow } from './entry.ts';
import { toHistoryRow } from './entry-row.ts';
import { boundRejected, sumImported } from './kept-receipt.ts';

/** An export that was just delivered. */
export interface Delivered {
  /** The entry just before completion, including the bytes sent for the last part. */
  readonly entry: Entry;
  readonly atMs: WallMs;
  /** The receipts of all parts, in part order. */
  readonly receipts: readonly Receipt[];
  /** The last part's receipt in JSON, as the ledger stores it. */
  readonly lastReceipt: string;
}

/** The delivered exports. They are kept after the entry and its file have been removed. */
export interface History {
  /**
   * Inside the transaction that completes an entry: adds it to the history. An export that central had lost replaces its earlier
   * row.
   */
  insert(delivered: Delivered): void;
  /** Newest first. */
  list(limit: number): readonly HistoryRow[];
  page(
    afterHistoryNo: number,
    limit: number,
  ): { readonly rows: readonly HistoryRow[]; readonly lastHistoryNo: number };
  /** The number of the most recently delivered export, or 0. */
  newestNo(): number;
  /** Number of delivered exports and number of records in them. */
  totals(): { readonly exportCount: number; readonly recordCount: number };
  /**
   * Returns the deliveries in the range by the boat's clock, summed per quarter hour, in no particular order. Reads at most the
   * newest DELIVERIES_SUMMED_MAX rows.
   */
  quarters(range: { readonly fromMs: number; readonly untilMs: number }): readonly DeliveredQuarter[];
}

/**
 * The deliveries within one quarter hour. Every time zone's offset from UTC is a multiple of a quarter hour, so none spans two
 * local days.
 */
export interface DeliveredQuarter {
  readonly fromMs: number;
  readonly exportCount: number;
  readonly recordCount: number;
  readonly wireSizeBytes: number;
}

export const QUARTER_MS = 15 * 60_000;

/**
 * Maximum number of rows read for the sums: more than a year of hourly deliveries. There is a limit because the times have no
 * index.
 */
const DELIVERIES_SUMMED_MAX = 10_000;

export function createHistory({ db }: LedgerDatabase): History {
  const insert = db.prepare(
    `INSERT INTO history (queue_id, export_id, export_file, export_type, tier, category_count, record_count, file_size_bytes,
       wire_size_bytes, created_at_ms, completed_at_ms, retry_count, last_error, records_imported, rejected_records, receipt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = db.prepare('SELECT * FROM history ORDER BY history_no DESC LIMIT ?');
  const selectPage = db.prepare('SELECT * FROM history WHERE history_no > ? ORDER BY history_no LIMIT ?');
  const selectNewest = db.prepare('SELECT coalesce(max(history_no), 0) AS n FROM history');
  const selectTotals = db.prepare(
    'SELECT count(*) AS exportCount, coalesce(sum(record_count), 0) AS recordCount FROM history',
  );
  const selectQuarters = db.prepare(
    `SELECT completed_at_ms / ? * ? AS fromMs, count(*) AS exportCount, sum(record_count) AS recordCount,
       sum(wire_size_bytes) AS wireSizeBytes
     FROM (SELECT completed_at_ms, record_count, wire_size_bytes FROM history ORDER BY history_no DESC LIMIT ?)
     WHERE completed_at_ms BETWEEN ? AND ? GROUP BY 1`,
  );
  const selectRequeued = db.prepare(
    'SELECT 1 FROM entries WHERE entry_no = ? AND requeued_at_ms IS NOT NULL',
  );
  // Export IDs have no index, so this scans the table, but only for an export that central had lost.
  const removeEarlier = db.prepare('DELETE FROM history WHERE export_id = ? AND history_no < ?');
  return {
    insert: ({ entry, atMs, receipts, lastReceipt }) => {
      const { lastInsertRowid } = insert.run(
        entry.queueId,
        entry.exportId,
        entry.exportFile,
        entry.exportType,
        entry.tier,
        entry.categoryCount,
        entry.recordCount,
        entry.fileSizeBytes,
        entry.wireSizeBytes,
        entry.createdAtMs,
        atMs,
        entry.retryCount,
        entry.lastError ?? null,
        JSON.stringify(sumImported(receipts)),
        JSON.stringify(boundRejected(receipts.flatMap((receipt) => receipt.rejected_records))),
        lastReceipt,
      );
      if (selectRequeued.get(entry.entryNo) !== undefined) removeEarlier.run(entry.exportId, lastInsertRowid);
    },
    list: (limit) => select.all(limit).map(toHistoryRow),
    page: (afterHistoryNo, limit) => {
      const rows = selectPage.all(afterHistoryNo, limit);
      const last = rows.at(-1);
      // The column is INTEGER in a STRICT table.
      return {
        rows: rows.map(toHistoryRow),
        lastHistoryNo: last === undefined ? afterHistoryNo : (last['history_no'] as number),
      };
    },
    newestNo: () => selectNewest.get()?.['n'] as number,
    quarters: ({ fromMs, untilMs }) =>
      // Four INTEGER columns.
      selectQuarters.all(
        QUARTER_MS,
        QUARTER_MS,
        DELIVERIES_SUMMED_MAX,
        fromMs,
        untilMs,
      ) as unknown as readonly DeliveredQuarter[],
    // The query returns one row with two INTEGER columns.
    totals: () => selectTotals.get() as unknown as ReturnType<History['totals']>,
  };
}
