import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { toMonth } from './labels.ts';

/** Total size of the request bodies sent in each calendar month, in bytes, for the owner's data budget. */
export interface WireMonths {
  /** Returns the number of bytes sent in the calendar month of `atMs`. */
  bytesIn(atMs: WallMs): number;
  /** Returns the number of bytes sent in all months. */
  totalBytes(): number;
  /** Inside a transaction: adds bytes to the month of `atMs`. */
  add(atMs: WallMs, sizeBytes: number): void;
}

export function createWireMonths({ db }: LedgerDatabase): WireMonths {
  const select = db.prepare('SELECT size_bytes FROM wire_months WHERE month = ?');
  const sum = db.prepare('SELECT coalesce(sum(size_bytes), 0) AS n FROM wire_months');
  const add = db.prepare(
    `INSERT INTO wire_months (month, size_bytes) VALUES (?, ?)
     ON CONFLICT (month) DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes`,
  );
  return {
    // The column is INTEGER in a STRICT table.
    bytesIn: (atMs) => (select.get(toMonth(atMs))?.['size_bytes'] as number | undefined) ?? 0,
    totalBytes: () => sum.get()?.['n'] as number,
    add: (atMs, sizeBytes) => {
      if (sizeBytes > 0) add.run(toMonth(atMs), sizeBytes);
    },
  };
}
