/** What determines whether central is queried before an export is sent. */
export interface QueryFacts {
  /** True if the ledger has a receipt for any of its parts. */
  readonly isResumed: boolean;
  /** True if central may hold parts without a receipt in the ledger, because they are in an offline bundle (`ledger.bundled`). */
  readonly isBundled: boolean;
  /** True if its open parts are about to be split into smaller ones. */
  readonly isCutDue: boolean;
}

/**
 * Returns true if the boat must query which parts central holds before it sends a part of the export. docs/spec/protocol.md R54:
 * "A boat MUST query the held parts of an export that was written to an offline bundle before it sends a part of that export."
 * R102 requires the query when an export is resumed, and R55 before parts are split into smaller ones.
 */
export function mustQueryHeldParts({ isResumed, isBundled, isCutDue }: QueryFacts): boolean {
  return isResumed || isBundled || isCutDue;
}

/** Central's answer to the query. */
export interface HeldIndexes {
  /** The parts that central holds, starting with the first one that was queried. */
  readonly indexes: readonly number[];
  /** True if the answer is complete, which means that central holds no other parts. */
  readonly isWhole: boolean;
}

/**
 * Returns true if central no longer holds the last part that it acknowledged. If central was restored from a backup, it lost the
 * most recent parts first, so every part is then queried, and sent again if central does not hold it (docs/spec/protocol.md
 * R102).
 */
export function hasLostParts(
  lastAcknowledged: number | undefined,
  { indexes, isWhole }: HeldIndexes,
): boolean {
  return lastAcknowledged !== undefined && isWhole && !indexes.includes(lastAcknowledged);
}

/** The state of the first open part, once the held parts have been queried and acknowledged. */
export interface CutFacts {
  readonly isCutDue: boolean;
  readonly held: HeldIndexes;
  readonly partIndex: number;
  /** True if central's receipt matched, so that the part is now acknowledged. */
  readonly isAcknowledged: boolean;
}

/** `held_differently`: central holds different bytes under this part's key, so the export can be neither sent nor split. */
export type CutVerdict = 'keep' | 'cut' | 'held_differently';

/**
 * Decides whether to split the open parts into smaller ones. docs/spec/protocol.md R55: "After a link has cut off a part, a boat
 * MUST NOT cut it smaller before central has reported that it does not hold that part." Central's answer may have been lost, and
 * a key must always identify the same bytes.
 */
export function judgeCut({ isCutDue, held, partIndex, isAcknowledged }: CutFacts): CutVerdict {
  if (!isCutDue || !held.isWhole) return 'keep';
  if (!held.indexes.includes(partIndex)) return 'cut';
  return isAcknowledged ? 'keep' : 'held_differently';
}
