import type { SizeRange, Waiting } from '../../ledger/waiting.ts';
import { RETRY_DELAY_MAX_MS } from './backoff.ts';

/*
 * The order in which exports are sent. `entry-selector.ts` reads the queue and applies these rules:
 *
 * 1. An export from another ledger goes before every export from this ledger, unless it has stepped aside. It is also sent over a
 *    metered connection, whatever its size.
 * 2. Of the two lanes, the one not served last goes first.
 * 3. Within a lane, the oldest export goes first among those that are due and not held by the data budget.
 */

/** The queue's two lanes: one for exports that fit into one part, and one for exports with several parts. */
export type Lane = 'small' | 'bulk';

/** The range of file sizes in each lane. */
export function toLaneSizes(partSizeBytes: number): Readonly<Record<Lane, SizeRange>> {
  return {
    small: { overBytes: -1, upToBytes: partSizeBytes },
    bulk: { overBytes: partSizeBytes, upToBytes: Number.MAX_SAFE_INTEGER },
  };
}

/**
 * Returns the order in which the lanes are searched for the next entry. The lane not served last goes first, so that a new small
 * export does not wait behind a large backlog, and the backlog does not wait behind a stream of small exports. The small lane is
 * served one entry at a time. The bulk lane is served one part at a time while a small entry is due.
 */
export function laneOrder(served: Lane | undefined): readonly [Lane, Lane] {
  return served === 'small' ? ['bulk', 'small'] : ['small', 'bulk'];
}

/**
 * Returns the entry that all other entries wait for, which is the oldest one from another ledger, or undefined if there is none.
 * Exports from a lost ledger are older than every export from this ledger, and central must keep the newest version of each
 * record. An entry that an intermediary refuses must not hold up the others, so entries from other ledgers that have stepped
 * aside are ordered like any others. `ofOtherLedgers`: the waiting entries from other ledgers, oldest first.
 */
export function findPrecedingEntry(ofOtherLedgers: Iterable<Waiting>): Waiting | undefined {
  for (const entry of ofOtherLedgers) if (entry.refusalCount === 0) return entry;
  return undefined;
}

/** The clock readings and stored values that determine when an entry is due. */
export interface DueFacts {
  /** The current wall time. It may be wrong. */
  readonly nowWallMs: number;
  /** The wall time stored with the entry, which may also be wrong, and the entry's reasons to wait. */
  readonly entry: Pick<Waiting, 'nextRetryAtMs' | 'retryCount' | 'refusalCount'>;
  /**
   * The current time and the end of the wait, both monotonic. Set only for a wait that began in this run of the program; the wall
   * times are then ignored.
   */
  readonly monotonic?: { readonly nowMs: number; readonly dueMs: number };
}

/**
 * Returns the number of milliseconds until an entry is due, or 0 if it is due now. For a wait that began in this run, only
 * monotonic time counts. After a restart, only the wall time stored with the entry is available. A stored time that is further
 * away than the longest possible wait was written before the clock was set back, so the entry is due now (docs/spec/delivery.md,
 * "Clock"). An entry without counted attempts that has not stepped aside is also due now. Setting the clock forward makes an
 * entry due early, but this alone costs no attempt.
 */
export function dueIn({ nowWallMs, entry, monotonic }: DueFacts): number {
  if (monotonic !== undefined) return Math.max(0, monotonic.dueMs - monotonic.nowMs);
  if (entry.retryCount === 0 && entry.refusalCount === 0) return 0;
  const leftMs = entry.nextRetryAtMs - nowWallMs;
  return leftMs > RETRY_DELAY_MAX_MS ? 0 : Math.max(0, leftMs);
}
