/** How many missing sequences an answer names. A boat of years that lost its first exports must not answer with megabytes. */
export const MISSING_LISTED_MAX = 1_000;

/** One export of a ledger as central has it. */
export interface SequenceFacts {
  readonly sequence: number;
  /** Whether every part of it is here. */
  readonly isComplete: boolean;
}

/** What is not here of a ledger's exports, ascending, each list at most MISSING_LISTED_MAX long. */
export interface MissingSequences {
  /** Not here whole, and nobody said why. */
  readonly missing: readonly number[];
  /** Not here whole, and given up by the boat, whose later exports have their records. */
  readonly withdrawn: readonly number[];
}

/**
 * The sequences between the lowest and the highest that are not here whole. `exports` ascend by sequence; `withdrawn` are those
 * that later exports said were given up. What was before the lowest is not known to exist; an incomplete one counts as missing.
 */
export function findMissingSequences(
  exports: readonly SequenceFacts[],
  withdrawn: ReadonlySet<number>,
): MissingSequences {
  const missing: number[] = [];
  const givenUp: number[] = [];
  const isFull = () => missing.length >= MISSING_LISTED_MAX;
  const name = (sequence: number) => {
    if (!withdrawn.has(sequence)) missing.push(sequence);
    else if (givenUp.length < MISSING_LISTED_MAX) givenUp.push(sequence);
  };
  let expected = exports[0]?.sequence ?? 0;
  for (const { sequence, isComplete } of exports) {
    for (; expected < sequence && !isFull(); expected += 1) name(expected);
    if (!isComplete && !isFull()) name(sequence);
    expected = sequence + 1;
  }
  return { missing, withdrawn: givenUp };
}
