/** The facts that decide whether central is queried before an export is sent. */
export interface QueryFacts {
  /** True if the ledger has a receipt for one of its parts. */
  readonly isResumed: boolean;
  /** True if central may hold parts without a receipt in the ledger, because they are in an offline bundle (`ledger.bundled`). */
  readonly isBundled: boolean;
  /** True if its open parts are to be cut smaller. */
  readonly isCutDue: boolean;
}

/**
 * True if the boat queries the parts that central holds before it sends a part of the export. docs/spec/protocol.md R54: "A
 * boat MUST query the held parts of an export that was written to an offline bundle before it sends a part of that export."
 * R102 requires it when an export is resumed, and R55 before parts are cut smaller.
 */
export function mustQueryHeldParts({ isResumed, isBundled, isCutDue }: QueryFacts): boolean {
  return isResumed || isBundled || isCutDue;
}

/** An answer to the query. */
export interface HeldIndexes {
  /** The parts that central holds, from the first one that was queried. */
  readonly indexes: readonly number[];
  /** True if the answer is complete, so that central holds no other part. */
  readonly isWhole: boolean;
}

/**
 * True if central no longer holds the last part that it acknowledged. A central that was restored from a backup has lost the
 * newest parts first, so then every part is queried, and sent again if it is not held (docs/spec/protocol.md R102).
 */
export function hasLostParts(
  lastAcknowledged: number | undefined,
  { indexes, isWhole }: HeldIndexes,
): boolean {
  return lastAcknowledged !== undefined && isWhole && !indexes.includes(lastAcknowledged);
}

/** The facts about the first open part, once the held parts have been queried and acknowledged. */
export interface CutFacts {
  readonly isCutDue: boolean;
  readonly held: HeldIndexes;
  readonly partIndex: number;
  /** True if central's receipt matched, so that the part is now acknowledged. */
  readonly isAcknowledged: boolean;
}

/** `held_differently`: central holds other bytes under the key of this part, so that the export can neither be sent nor cut. */
export type CutVerdict = 'keep' | 'cut' | 'held_differently';

/**
 * Decides whether the open parts are cut smaller. docs/spec/protocol.md R55: "After a link has cut off a part, a boat MUST NOT
 * cut it smaller before central has reported that it does not hold that part." Its answer may have been lost, and a key must
 * always carry the same bytes.
 */
export function judgeCut({ isCutDue, held, partIndex, isAcknowledged }: CutFacts): CutVerdict {
  if (!isCutDue || !held.isWhole) return 'keep';
  if (!held.indexes.includes(partIndex)) return 'cut';
  return isAcknowledged ? 'keep' : 'held_differently';
}
