import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { toMonth } from './policy.ts';

/** Bytes of request bodies sent in each calendar month, for the owner's data budget. */
export interface WireMonths {
  /** Bytes sent in the calendar month of `atMs`. */
  bytesIn(atMs: WallMs): number;
  /** Inside a transaction: adds bytes to the month of `atMs`. */
  add(atMs: WallMs, sizeBytes: number): void;
}

export function createWireMonths({ db }: LedgerDatabase): WireMonths {
  const select = db.prepare('SELECT size_bytes FROM wire_months WHERE month = ?');
  const add = db.prepare(
    `INSERT INTO wire_months (month, size_bytes) VALUES (?, ?)
     ON CONFLICT (month) DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes`,
  );
  return {
    // STRICT INTEGER.
    bytesIn: (atMs) => (select.get(toMonth(atMs))?.['size_bytes'] as number | undefined) ?? 0,
    add: (atMs, sizeBytes) => {
      if (sizeBytes > 0) add.run(toMonth(atMs), sizeBytes);
    },
  };
}
