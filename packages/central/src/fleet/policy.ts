/** How many missing sequences an answer names. A boat of years that lost its first exports must not answer with megabytes. */
export const MISSING_LISTED_MAX = 1_000;

/** One export of a ledger as central has it. */
export interface SequenceFacts {
  readonly sequence: number;
  /** Whether every part of it is here. */
  readonly isComplete: boolean;
}

/**
 * The sequences between the lowest and the highest that are not here whole, ascending, at most MISSING_LISTED_MAX of them.
 * `exports` ascend by sequence. What was before the lowest is not known to exist; an incomplete one counts as missing.
 */
export function findMissingSequences(exports: readonly SequenceFacts[]): readonly number[] {
  const missing: number[] = [];
  let expected = exports[0]?.sequence ?? 0;
  for (const { sequence, isComplete } of exports) {
    for (; expected < sequence && missing.length < MISSING_LISTED_MAX; expected += 1) missing.push(expected);
    if (!isComplete && missing.length < MISSING_LISTED_MAX) missing.push(sequence);
    expected = sequence + 1;
  }
  return missing;
}
