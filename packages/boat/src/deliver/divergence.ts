import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerChange } from '../ledger/ledger-changes.ts';
import type { MonotonicMs, World } from '../platform/ports.ts';
import { decideDivergence } from './policy/divergence.ts';

/** Begins a new ledger when central reports that the current one has diverged. Its state is kept for one run of the worker. */
export interface Divergence {
  /**
   * Begins a new ledger in one transaction and returns the change. Returns undefined if a ledger was begun recently and central
   * has not accepted any part of it yet. No entry may be `uploading`. Throws LEDGER_FAILED and DISK_…, leaving the ledger
   * unchanged.
   */
  settle(reason: string): LedgerChange | undefined;
  /** Records that central accepted a part of an export from the current ledger. */
  recordAccepted(entry: Entry): void;
}

export function createDivergence({ clock }: Pick<World, 'clock'>, ledger: Ledger): Divergence {
  let begunAt: MonotonicMs | undefined;
  return {
    settle: (reason) => {
      const sinceBegunMs = begunAt === undefined ? undefined : clock.monotonic() - begunAt;
      if (decideDivergence(sinceBegunMs) === 'block') return undefined;
      const change = ledger.changes.begin({ atMs: clock.wall(), reason });
      begunAt = clock.monotonic();
      return change;
    },
    recordAccepted: ({ sequence }) => {
      if (sequence > 0) begunAt = undefined;
    },
  };
}
