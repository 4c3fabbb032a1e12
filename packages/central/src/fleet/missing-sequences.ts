/** Most missing sequences in one answer. A boat that lost its first years of exports must not produce an answer of megabytes. */
export const MISSING_LISTED_MAX = 1_000;

/** One export of a ledger. */
export interface SequenceFacts {
  readonly sequence: number;
  /** Whether central holds every part of it. */
  readonly isComplete: boolean;
}

/** Exports of a ledger that central does not hold whole: ascending, each list with at most MISSING_LISTED_MAX members. */
export interface MissingSequences {
  /** Missing, and no later export withdrew them. */
  readonly missing: readonly number[];
  /** Missing because the boat withdrew them: later exports carry their records. */
  readonly withdrawn: readonly number[];
}

/**
 * Returns the sequences between the lowest and the highest that central does not hold whole; an incomplete export counts as
 * missing. `exports` ascend by sequence; `withdrawn` are the sequences that later exports withdrew. Whether exports before the
 * lowest exist is unknown.
 */
export function findMissingSequences(
  exports: readonly SequenceFacts[],
  withdrawn: ReadonlySet<number>,
): MissingSequences {
  const missing: number[] = [];
  const listedWithdrawn: number[] = [];
  const isFull = () => missing.length >= MISSING_LISTED_MAX;
  const list = (sequence: number) => {
    if (!withdrawn.has(sequence)) missing.push(sequence);
    else if (listedWithdrawn.length < MISSING_LISTED_MAX) listedWithdrawn.push(sequence);
  };
  let expected = exports[0]?.sequence ?? 0;
  for (const { sequence, isComplete } of exports) {
    for (; expected < sequence && !isFull(); expected += 1) list(expected);
    if (!isComplete && !isFull()) list(sequence);
    expected = sequence + 1;
  }
  return { missing, withdrawn: listedWithdrawn };
}
