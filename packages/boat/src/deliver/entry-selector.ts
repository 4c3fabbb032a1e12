import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Waiting } from '../ledger/waiting.ts';
import type { MonotonicMs, World } from '../platform/ports.ts';
import { type DataBudget, decideSendHold, type SendHold } from './policy/data-budget.ts';
import { dueIn, findPrecedingEntry, type Lane, laneOrder, toLaneSizes } from './policy/send-order.ts';

/** The result of selecting the next entry to send. */
export interface Selection {
  /** The entry to send next, which is now `uploading`. Undefined if no entry is due. */
  readonly entry: Entry | undefined;
  /** Why a due entry is on hold. Undefined if none is. */
  readonly hold: SendHold | undefined;
}

/**
 * Selects the next entry to send by the rules in `policy/send-order.ts`, and keeps the state needed for this during a run. The
 * ledger only lists the waiting entries.
 */
export interface EntrySelector {
  /** Claims the next due entry. `isMetered` is true if the connection is currently metered. */
  next(isMetered: boolean | undefined): Selection;
  /** Returns the number of milliseconds until the next sendable entry is due, or Infinity if there is none. */
  nextDueMs(): number;
  /** Returns true if `active`, which is being sent, must yield to a due entry in the small lane after its current part. */
  mustYield(active: Entry): boolean;
  /** Sets an entry's retry delay on this run's monotonic clock. For the next run, the ledger stores its end as wall time. */
  setWait(entryNo: number, delayMs: number): void;
  /** Drops the retry delay and the "send now" mark of an entry that has left the queue. */
  forget(entryNo: number): void;
  /**
   * Handles "Send now": ends all retry delays and exempts the waiting entries from the data budget. If the ledger cannot be
   * written, still ends the delays set in this run, and then throws.
   */
  sendAllNow(): void;
}

export interface EntrySelectorOptions {
  readonly partSizeBytes: number;
  readonly dataBudget: DataBudget;
  /** Returns true for an entry that is being dead-lettered. */
  readonly isMoving: (entryNo: number) => boolean;
}

export function createEntrySelector(
  { clock }: Pick<World, 'clock'>,
  ledger: Ledger,
  { partSizeBytes, dataBudget, isMoving }: EntrySelectorOptions,
): EntrySelector {
  const { queue } = ledger;
  const laneSizes = toLaneSizes(partSizeBytes);
  const claimNext = createClaimNext(queue, laneSizes);
  const waits = createWaits(clock);
  const sendNow = new Set<number>();
  let isMetered: boolean | undefined;

  /** Creates a function that returns the current hold on an entry. */
  const readHolds = (): ((entry: Waiting) => SendHold | undefined) => {
    const monthBytes = queue.monthBytes(clock.wall());
    const precedingNo = findPrecedingEntry(queue.waitingOfOtherLedgers())?.entryNo;
    return ({ entryNo, fileSizeBytes: sizeBytes }) => {
      const facts = { sizeBytes, isMetered, monthBytes, isSendNow: sendNow.has(entryNo) };
      return decideSendHold(dataBudget, { ...facts, doOthersWait: entryNo === precedingNo });
    };
  };
  const isDue = (entry: Waiting): boolean => !isMoving(entry.entryNo) && waits.leftMs(entry) === 0;

  return {
    next(metered) {
      isMetered = metered;
      const holdOf = readHolds();
      let hold: SendHold | undefined;
      const isNext = (waiting: Waiting): boolean => {
        if (!isDue(waiting)) return false;
        const found = holdOf(waiting);
        hold = found ?? hold;
        return found === undefined;
      };
      const entry = claimNext(isNext);
      return { entry, hold };
    },
    nextDueMs: () => {
      const preceding = findPrecedingEntry(queue.waitingOfOtherLedgers());
      const holdOf = readHolds();
      let soonestMs = Number.POSITIVE_INFINITY;
      for (const entry of preceding === undefined ? queue.waiting() : [preceding]) {
        const leftMs = waits.leftMs(entry);
        if (leftMs < soonestMs && holdOf(entry) === undefined) soonestMs = leftMs;
      }
      return soonestMs;
    },
    mustYield: (active) => {
      // An export from another ledger precedes all others, so it would immediately be selected again.
      if (active.sequence === 0) return false;
      const holdOf = readHolds();
      for (const entry of queue.waiting(laneSizes.small))
        if (isDue(entry) && holdOf(entry) === undefined) return true;
      return false;
    },
    setWait: waits.set,
    forget: (entryNo) => {
      waits.forget(entryNo);
      sendNow.delete(entryNo);
    },
    sendAllNow: () => {
      waits.forgetAll();
      for (const { entryNo } of queue.waiting()) sendNow.add(entryNo);
      queue.endWaits(clock.wall());
    },
  };
}

/** Creates a function that claims the first entry, in sending order, that `isNext` accepts. */
function createClaimNext(queue: Ledger['queue'], laneSizes: ReturnType<typeof toLaneSizes>) {
  let served: Lane | undefined;
  return (isNext: (waiting: Waiting) => boolean): Entry | undefined => {
    const preceding = findPrecedingEntry(queue.waitingOfOtherLedgers());
    if (preceding !== undefined)
      return isNext(preceding) ? queue.claim(({ entryNo }) => entryNo === preceding.entryNo) : undefined;
    for (const lane of laneOrder(served)) {
      const entry = queue.claim(isNext, laneSizes[lane]);
      if (entry === undefined) continue;
      served = lane;
      return entry;
    }
    return undefined;
  };
}

/** Retry delays set in this run, in monotonic time. The wall times in the ledger count only after a restart. */
function createWaits(clock: World['clock']) {
  const dueAt = new Map<number, MonotonicMs>();
  return {
    leftMs: (entry: Waiting): number => {
      const dueMs = dueAt.get(entry.entryNo);
      return dueIn({
        nowWallMs: clock.wall(),
        entry,
        ...(dueMs === undefined ? {} : { monotonic: { nowMs: clock.monotonic(), dueMs } }),
      });
    },
    set: (entryNo: number, delayMs: number): void => {
      dueAt.set(entryNo, (clock.monotonic() + delayMs) as MonotonicMs);
    },
    forget: (entryNo: number): void => {
      dueAt.delete(entryNo);
    },
    forgetAll: (): void => dueAt.clear(),
  };
}
