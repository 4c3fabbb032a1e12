import { BLOCKED_RETRY_MS } from './backoff.ts';

/** The decision after a refusal with `LEDGER_DIVERGED`. */
export type DivergenceVerdict = 'begin_ledger' | 'block';

/**
 * Decides whether the boat begins a new ledger. Ledger IDs are random, so central cannot have a different export under a ledger
 * that has just begun. If central refuses again before it has accepted a part, something else is wrong, and the boat waits for an
 * hour instead of beginning one ledger after another. `sinceBegunMs` is undefined if this run has not begun a ledger, or if
 * central has accepted a part since.
 */
export function decideDivergence(sinceBegunMs: number | undefined): DivergenceVerdict {
  return sinceBegunMs === undefined || sinceBegunMs >= BLOCKED_RETRY_MS ? 'begin_ledger' : 'block';
}

/** What the owner is shown about a new ledger. */
export interface BegunLedger {
  readonly newLedgerId: string;
  readonly renumberedCount: number;
  readonly hasFullExport: boolean;
}

/** Describes what happened and what happens next, for the log, the status and the doctor. */
export function describeLedgerChange({ newLedgerId, renumberedCount, hasFullExport }: BegunLedger): string {
  const exports = renumberedCount === 1 ? '1 export was' : `${renumberedCount} exports were`;
  const full = hasFullExport ? 'A full export of it was queued' : 'Its next export is full';
  return `Central has other exports under this boat's former ledger: the card was restored from an image or copied. The boat began the ledger ${newLedgerId}, and ${exports} numbered in it. ${full}`;
}
