import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { toMonth } from './policy.ts';

/**
 * Bytes of bodies sent in each calendar month, for the owner's budget. A completion leaves the sum of its month in its
 * history row, everything else in the table: a month's bytes are the larger of the two.
 */
export interface WireMonths {
  /** Bytes sent in the calendar month of `atMs`. */
  bytesIn(atMs: WallMs): number;
  /** Inside a transaction: so many more were sent. */
  add(atMs: WallMs, sizeBytes: number): void;
  /** Inside the transaction that completes an entry: the sum its history row has to keep, with so many more. */
  addToHistory(atMs: WallMs, sizeBytes: number): MonthBytes;
  /** That transaction is committed. */
  completed(sum: MonthBytes): void;
}

/** Bytes of bodies sent in one calendar month. */
export interface MonthBytes {
  readonly month: string;
  readonly sizeBytes: number;
}

export function createWireMonths({ db }: LedgerDatabase): WireMonths {
  const select = db.prepare('SELECT size_bytes FROM wire_months WHERE month = ?');
  const upsert = db.prepare(
    `INSERT INTO wire_months (month, size_bytes) VALUES (?, ?)
     ON CONFLICT (month) DO UPDATE SET size_bytes = max(size_bytes, excluded.size_bytes)`,
  );
  const row = db
    .prepare('SELECT completed_at_ms, month_bytes FROM history ORDER BY history_no DESC LIMIT 1')
    .get();
  // STRICT INTEGER, and the clock's label.
  let newest: MonthBytes = {
    month: toMonth((row?.['completed_at_ms'] as number | undefined) ?? 0),
    sizeBytes: (row?.['month_bytes'] as number | undefined) ?? 0,
  };
  /** Whether the table may hold more of the newest row's month than the row: a completion after another need not ask. */
  let mayTableBeAhead = true;
  const bytesIn = (month: string): number => {
    const inHistory = newest.month === month ? newest.sizeBytes : 0;
    if (newest.month === month && !mayTableBeAhead) return inHistory;
    return Math.max((select.get(month)?.['size_bytes'] as number | undefined) ?? 0, inHistory);
  };
  return {
    bytesIn: (atMs) => bytesIn(toMonth(atMs)),
    add: (atMs, sizeBytes) => {
      if (sizeBytes === 0) return;
      const month = toMonth(atMs);
      upsert.run(month, bytesIn(month) + sizeBytes);
      mayTableBeAhead = true;
    },
    addToHistory: (atMs, sizeBytes) => {
      const month = toMonth(atMs);
      // The newest history row will be another month's: this one's sum goes where it is found.
      if (month !== newest.month) upsert.run(newest.month, newest.sizeBytes);
      return { month, sizeBytes: bytesIn(month) + sizeBytes };
    },
    completed: (sum) => {
      newest = sum;
      mayTableBeAhead = false;
    },
  };
}
