/** The facts about a document's ledger before the document is stored. */
export interface LedgerFacts {
  /**
   * The export known to have the document's sequence in its ledger, because central holds that export or a later document listed
   * it. Undefined if there is none.
   */
  readonly knownExportId: string | undefined;
  /** A known export whose sequence the document's `open_exports` assigns to a different export. Undefined if there is none. */
  readonly contradictedExportId: string | undefined;
  /** How many parts of `knownExportId` central holds, and how many there are. 0 if central holds none. */
  readonly partsHeld: number;
  readonly partCount: number;
  /** The highest sequence of which central holds a part, or 0. */
  readonly highestSequence: number;
  /**
   * Ledgers of the installation that are newer than this one: central first saw them later, or they list it as former. Empty
   * for a ledger that is new to central and that no other one lists.
   */
  readonly newerLedgers: readonly string[];
}

/** How a document arrived. A bundle may be months old, so it does not show which ledger the boat uses now. */
export type Arrival =
  { readonly kind: 'network'; readonly senderLedgerId: string | undefined } | { readonly kind: 'bundle' };

/** The members by which a document identifies its place in a ledger. */
export interface LedgerPlace {
  readonly ledgerId: string | undefined;
  readonly sequence: number | undefined;
}

/** How to treat a new document with regard to its ledger. */
export type LedgerVerdict =
  /**
   * Another export has this sequence or one from `open_exports`: the ledger returned to an older state, or two machines use it.
   * Nothing may be stored.
   */
  | { readonly kind: 'diverged'; readonly knownExportId: string }
  | {
      readonly kind: 'accepted';
      /** Ledgers whose records the document must not replace. */
      readonly protectedLedgers: readonly string[];
      /** True if two ledgers of the installation send new exports: the document is new, and its ledger is not the newest. */
      readonly isConcurrent: boolean;
    };

/**
 * Decides how to treat a document of `exportId`. docs/spec/protocol.md R73: "Central MUST answer 409 `LEDGER_DIVERGED`, without
 * a receipt, to an export if another export of the same ledger, held or listed in `open_exports`, has its sequence." R103:
 * "Central MUST answer 409 `LEDGER_DIVERGED`, without a receipt, to an export if it lists in `open_exports` a sequence that a
 * different export of the same ledger has." A late export of a lost ledger must not replace records of a newer ledger (R32). If a
 * machine still uses the older ledger, two machines have one identity, and the record that arrived last is kept, because its
 * receipt promises that central holds it.
 */
export function judgeLedger(
  exportId: string,
  { ledgerId, sequence }: LedgerPlace,
  { knownExportId, contradictedExportId, highestSequence, newerLedgers }: LedgerFacts,
  arrival: Arrival,
): LedgerVerdict {
  if (knownExportId !== undefined && knownExportId !== exportId) return { kind: 'diverged', knownExportId };
  if (contradictedExportId !== undefined) return { kind: 'diverged', knownExportId: contradictedExportId };
  const senderLedgerId = arrival.kind === 'network' ? arrival.senderLedgerId : undefined;
  const isInUse = ledgerId !== undefined && senderLedgerId === ledgerId;
  const isNew = sequence !== undefined && sequence > highestSequence;
  return {
    kind: 'accepted',
    protectedLedgers: isInUse ? [] : newerLedgers,
    isConcurrent: isInUse && isNew && newerLedgers.length > 0,
  };
}

/**
 * True if an import's claims replace those of the previous import. Its ledger must be the newest, and its sequence must not be
 * lower than that of the previous import in that ledger.
 */
export function isLatestImport(
  { ledgerId, sequence }: LedgerPlace,
  last: LedgerPlace,
  newerLedgers: readonly string[],
): boolean {
  const isEarlier =
    ledgerId !== undefined &&
    ledgerId === last.ledgerId &&
    sequence !== undefined &&
    last.sequence !== undefined &&
    sequence < last.sequence;
  return newerLedgers.length === 0 && !isEarlier;
}
