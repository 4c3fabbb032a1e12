import type { LedgerDatabase } from '../platform/ports.ts';
import type { EntryStatus, QueueCounts } from './entry.ts';

/**
 * How many entries each list holds, counted when the ledger is opened and followed since: every look at the queue asks, and
 * counting ten thousand reads the whole table.
 */
export interface Counts {
  /** `uploading` of those that wait are being sent, which no row says. */
  now(uploading: number): QueueCounts;
  /** A change of an entry's stored status is committed; undefined: it was not there, or is not any more. */
  moved(from: EntryStatus | undefined, to: EntryStatus | undefined): void;
}

export function createCounts({ db }: LedgerDatabase): Counts {
  const stored = { pending: 0, uploading: 0, completed: 0, failed: 0 };
  // The status column is checked against the four.
  for (const row of db.prepare('SELECT status, count(*) AS n FROM entries GROUP BY status').all())
    stored[row['status'] as EntryStatus] = row['n'] as number;
  return {
    now: (uploading) => ({ ...stored, uploading, pending: stored.pending - uploading }),
    moved: (from, to) => {
      if (from !== undefined) stored[from] -= 1;
      if (to !== undefined) stored[to] += 1;
    },
  };
}
