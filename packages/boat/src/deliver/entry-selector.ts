import type { Entry, Waiting } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SizeRange } from '../ledger/queue-waiting.ts';
import type { MonotonicMs, World } from '../platform/ports.ts';
import { dueIn } from './policy/backoff.ts';
import { type DataBudget, decideSendHold, type SendHold } from './policy/data-budget.ts';
import { type Lane, laneOrder } from './policy/lane.ts';

/** The result of looking for the next entry to send. */
export interface Selection {
  /** The entry to send next, which is now `uploading`, or undefined if no entry is due. */
  readonly entry: Entry | undefined;
  /** Why a due entry waits, or undefined if the data budget holds no entry. */
  readonly hold: SendHold | undefined;
}

/** Selects the next entry to send and keeps the state that the selection needs in this run. */
export interface EntrySelector {
  /** Claims the next due entry. `isMetered` states whether the connection is metered now. */
  next(isMetered: boolean | undefined): Selection;
  /** Milliseconds until an entry that may be sent is due; Infinity if there is none. */
  nextDueMs(): number;
  /** True if an entry of the small lane is due: the bulk lane then yields after its current part. */
  isSmallDue(): boolean;
  /** Sets the wait after a spent attempt, on this run's monotonic clock. */
  setWait(entryNo: number, delayMs: number): void;
  /** Forgets the wait and the "send now" of an entry that has left the queue. */
  forget(entryNo: number): void;
  /** Exempts the entries that are waiting from the data budget when the owner requests "Send now". */
  sendAllNow(): void;
}

export interface EntrySelectorOptions {
  readonly partSizeBytes: number;
  readonly dataBudget: DataBudget;
  /** True for an entry that is being dead-lettered. */
  readonly isMoving: (entryNo: number) => boolean;
}

export function createEntrySelector(
  { clock }: Pick<World, 'clock'>,
  ledger: Ledger,
  { partSizeBytes, dataBudget, isMoving }: EntrySelectorOptions,
): EntrySelector {
  const waits = createWaits(clock);
  const lanes = createLanes(ledger.queue, partSizeBytes);
  const sendNow = new Set<number>();
  let isMetered: boolean | undefined;

  /** The current hold on each entry. */
  const readHolds = (): ((entry: Waiting) => SendHold | undefined) => {
    const monthBytes = ledger.queue.monthBytes(clock.wall());
    return ({ entryNo, fileSizeBytes: sizeBytes }) =>
      decideSendHold(dataBudget, { sizeBytes, isMetered, monthBytes, isSendNow: sendNow.has(entryNo) });
  };
  const isReady = (entry: Waiting): boolean => !isMoving(entry.entryNo) && waits.leftMs(entry) === 0;

  return {
    next(metered) {
      isMetered = metered;
      const holdOf = readHolds();
      const holds: SendHold[] = [];
      const entry = lanes.claim((waiting) => {
        if (!isReady(waiting)) return false;
        const hold = holdOf(waiting);
        if (hold !== undefined) holds.push(hold);
        return hold === undefined;
      });
      return { entry, hold: holds.at(-1) };
    },
    nextDueMs: () => {
      // While an entry of another ledger waits, no other entry is sent, however long it has been due.
      const foreign = ledger.queue.firstForeign();
      const waiting = foreign === undefined ? ledger.queue.waiting() : [foreign];
      const holdOf = readHolds();
      let soonestMs = Number.POSITIVE_INFINITY;
      for (const entry of waiting) {
        const leftMs = waits.leftMs(entry);
        if (leftMs < soonestMs && holdOf(entry) === undefined) soonestMs = leftMs;
      }
      return soonestMs;
    },
    isSmallDue: () => {
      const holdOf = readHolds();
      return lanes.hasSmallDue((entry) => isReady(entry) && holdOf(entry) === undefined);
    },
    setWait: waits.set,
    forget: (entryNo) => {
      waits.forget(entryNo);
      sendNow.delete(entryNo);
    },
    // "Send now" does not shorten waits after spent attempts or waits that central requested.
    sendAllNow: () => {
      for (const { entryNo } of ledger.queue.waiting()) sendNow.add(entryNo);
    },
  };
}

/** The waits that this run began, in monotonic time. The wall times in the ledger count only after a restart. */
function createWaits(clock: World['clock']) {
  const dueAt = new Map<number, MonotonicMs>();
  return {
    leftMs: (entry: Waiting): number => {
      const dueMs = dueAt.get(entry.entryNo);
      return dueIn({
        nowWallMs: clock.wall(),
        nextRetryAtWallMs: entry.nextRetryAtMs,
        attemptsSpent: entry.retryCount,
        ...(dueMs === undefined ? {} : { monotonic: { nowMs: clock.monotonic(), dueMs } }),
      });
    },
    set: (entryNo: number, delayMs: number): void => {
      dueAt.set(entryNo, (clock.monotonic() + delayMs) as MonotonicMs);
    },
    forget: (entryNo: number): void => {
      dueAt.delete(entryNo);
    },
  };
}

/** Claims from the two lanes in turn. */
function createLanes(queue: Ledger['queue'], partSizeBytes: number) {
  const sizes: Readonly<Record<Lane, SizeRange>> = {
    small: { overBytes: -1, upToBytes: partSizeBytes },
    bulk: { overBytes: partSizeBytes, upToBytes: Number.MAX_SAFE_INTEGER },
  };
  let served: Lane | undefined;
  return {
    claim: (isDue: (entry: Waiting) => boolean): Entry | undefined => {
      // Exports of a lost ledger are older than every export of this ledger. They are sent first, so that central keeps
      // the newest version.
      const foreign = queue.firstForeign();
      if (foreign !== undefined)
        return isDue(foreign) ? queue.claim(({ entryNo }) => entryNo === foreign.entryNo) : undefined;
      for (const lane of laneOrder(served)) {
        const entry = queue.claim(isDue, sizes[lane]);
        if (entry === undefined) continue;
        served = lane;
        return entry;
      }
      return undefined;
    },
    hasSmallDue: (isDue: (entry: Waiting) => boolean): boolean => queue.hasDue(isDue, sizes.small),
  };
}
