import type { Outcome } from './outcome.ts';
import { isCutOff } from './policy/part-size.ts';

/**
 * For each entry, the failures of the part it sends next, kept in memory for one run of the worker. After a restart, two more
 * failures are needed, which costs less than committing every failure.
 */
export interface PartFailures {
  /**
   * Records a lost or foreign answer, which may be due to the body. Also records receipts, which show that the link and central
   * work for other parts.
   */
  record(entryNo: number, partIndex: number, outcome: Outcome): void;
  /** Returns how many consecutive times the link has cut off this part. */
  cutOffs(entryNo: number, partIndex: number): number;
  /** Returns true if this part has failed and central has acknowledged another part since. */
  doOthersPass(entryNo: number, partIndex: number): boolean;
  /** Forgets an entry that was split again or has left the queue. */
  forget(entryNo: number): void;
}

interface Failures {
  readonly partIndex: number;
  readonly cutOffs: number;
  /** Number of receipts counted before the first failure. */
  readonly receiptsBefore: number;
}

export function createPartFailures(): PartFailures {
  const failures = new Map<number, Failures>();
  let receipts = 0;
  const find = (entryNo: number, partIndex: number): Failures | undefined => {
    const found = failures.get(entryNo);
    return found?.partIndex === partIndex ? found : undefined;
  };
  return {
    record: (entryNo, partIndex, outcome) => {
      if (outcome.kind === 'receipt') {
        receipts += 1;
        return;
      }
      if (!isCutOff(outcome) && outcome.kind !== 'not_central') return;
      const before = find(entryNo, partIndex);
      failures.set(entryNo, {
        partIndex,
        cutOffs: (before?.cutOffs ?? 0) + (isCutOff(outcome) ? 1 : 0),
        receiptsBefore: before?.receiptsBefore ?? receipts,
      });
    },
    cutOffs: (entryNo, partIndex) => find(entryNo, partIndex)?.cutOffs ?? 0,
    doOthersPass: (entryNo, partIndex) => {
      const before = find(entryNo, partIndex);
      return before !== undefined && receipts > before.receiptsBefore;
    },
    forget: (entryNo) => {
      failures.delete(entryNo);
    },
  };
}
