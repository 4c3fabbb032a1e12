import type { LedgerDatabase } from '../platform/ports.ts';
import type { QueueCounts } from './entry.ts';

/** The ledger's counters: the highest numbers assigned so far, and the number of entries per status. */
export interface Counters {
  /**
   * Inside a transaction: returns the number for the next entry. A number is never reused, even after its entry is removed,
   * because digests refer to entries by number.
   */
  takeEntryNo(): number;
  /** The highest sequence of a committed entry, or 0. */
  highestSequence(): number;
  /** Inside a transaction: marks `sequence` and all lower ones as used. */
  raiseSequence(sequence: number): void;
  /**
   * Number of entries by stored status. `uploading` is 0, because an entry that is being sent is stored as `pending`
   * (decision 0016).
   */
  entriesByStatus(): QueueCounts;
}

export function createCounters({ db }: LedgerDatabase): Counters {
  const takeEntryNo = db.prepare('UPDATE counters SET entry_no = entry_no + 1 RETURNING entry_no');
  const selectSequence = db.prepare('SELECT sequence FROM counters');
  const raiseSequence = db.prepare('UPDATE counters SET sequence = ?1 WHERE sequence < ?1');
  // Triggers in the schema maintain these counts.
  const selectEntries = db.prepare('SELECT pending, 0 AS uploading, completed, failed FROM counters');
  return {
    // The query returns one row of INTEGER columns from a STRICT table.
    takeEntryNo: () => takeEntryNo.get()?.['entry_no'] as number,
    highestSequence: () => selectSequence.get()?.['sequence'] as number,
    raiseSequence: (sequence) => {
      raiseSequence.run(sequence);
    },
    entriesByStatus: () => selectEntries.get() as unknown as QueueCounts,
  };
}
