import type { LedgerDatabase } from '../platform/ports.ts';
import type { QueueCounts } from './entry.ts';

/** The ledger's counters: the highest numbers given so far, and how many entries have each status. */
export interface Counters {
  /**
   * Inside a transaction: a number for the next entry. No number is given twice, not even after its entry was removed,
   * because digests refer to entries by number.
   */
  takeEntryNo(): number;
  /** The highest sequence a committed entry carries; 0 where there is none. */
  highestSequence(): number;
  /** Inside a transaction: no later export carries `sequence` or a lower one. */
  raiseSequence(sequence: number): void;
  /** Entries by stored status. `uploading` is 0: an entry that is being sent is stored as `pending` (decision 0016). */
  entriesByStatus(): QueueCounts;
}

export function createCounters({ db }: LedgerDatabase): Counters {
  const takeEntryNo = db.prepare('UPDATE counters SET entry_no = entry_no + 1 RETURNING entry_no');
  const selectSequence = db.prepare('SELECT sequence FROM counters');
  const raiseSequence = db.prepare('UPDATE counters SET sequence = ?1 WHERE sequence < ?1');
  // The schema's triggers keep these.
  const selectEntries = db.prepare('SELECT pending, 0 AS uploading, completed, failed FROM counters');
  return {
    // One row of STRICT INTEGERs.
    takeEntryNo: () => takeEntryNo.get()?.['entry_no'] as number,
    highestSequence: () => selectSequence.get()?.['sequence'] as number,
    raiseSequence: (sequence) => {
      raiseSequence.run(sequence);
    },
    entriesByStatus: () => selectEntries.get() as unknown as QueueCounts,
  };
}
