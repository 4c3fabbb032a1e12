import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { createHistory, type History } from './history.ts';
import type { Losses } from './losses.ts';
import type { MissingExports } from './missing-exports.ts';
import type { Parts } from './parts.ts';
import { type ArrivalTables, createQueueArrivals, type QueueArrivals } from './queue-arrivals.ts';
import { createQueueOutcomes, type QueueOutcomes } from './queue-outcomes.ts';
import { createQueueReads, type QueueReads } from './queue-reads.ts';
import { createQueueRemovals, type QueueRemovals } from './queue-removals.ts';
import { createQueueWaiting, type QueueWaiting } from './queue-waiting.ts';
import type { RemovedExports } from './removed-exports.ts';
import { createWireMonths } from './wire-months.ts';

/** Operations on the queue, the history and the losses. */
export interface Queue extends QueueArrivals, QueueReads, QueueWaiting, QueueOutcomes, QueueRemovals {
  /** Returns an entry's parts, or an empty list if it is sent as one part. */
  readonly parts: Parts['list'];
  readonly history: History['list'];
  readonly historyPage: History['page'];
  readonly newestHistoryNo: History['newestNo'];
  readonly deliveredTotals: History['totals'];
  readonly deliveredQuarters: History['quarters'];
  readonly losses: Losses['list'];
  /** See `MissingExports.lapsed`. */
  readonly lapsedSequences: MissingExports['lapsed'];
  readonly missingTotals: MissingExports['totals'];
  /** Total size of the request bodies sent in the calendar month of `atMs`, in bytes. */
  monthBytes(atMs: WallMs): number;
  /** Total size of the request bodies sent in all months, in bytes. */
  sentBytes(): number;
}

export function createQueue(
  ledger: LedgerDatabase,
  tables: ArrivalTables & {
    readonly losses: Losses;
    readonly parts: Parts;
    readonly removed: RemovedExports;
    readonly missing: MissingExports;
  },
): Queue {
  /**
   * The entries being sent. This is the only state of the queue that is not in the database (decision 0016). Only `QueueWaiting`
   * adds entries. `QueueWaiting` and, after a commit, `QueueOutcomes` remove them.
   */
  const uploading = new Set<number>();
  const history = createHistory(ledger);
  const months = createWireMonths(ledger);
  const reads = createQueueReads(ledger, tables.counters, uploading);
  return {
    ...reads,
    ...createQueueArrivals(ledger, tables, reads),
    ...createQueueWaiting(ledger, reads, uploading),
    ...createQueueOutcomes(ledger, { ...tables, history, months }, reads, uploading),
    ...createQueueRemovals(ledger, tables, reads),
    parts: tables.parts.list,
    history: history.list,
    historyPage: history.page,
    newestHistoryNo: history.newestNo,
    deliveredTotals: history.totals,
    deliveredQuarters: history.quarters,
    losses: tables.losses.list,
    lapsedSequences: tables.missing.lapsed,
    missingTotals: tables.missing.totals,
    monthBytes: months.bytesIn,
    sentBytes: months.totalBytes,
  };
}
