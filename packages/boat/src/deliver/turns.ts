import type { Entry, Waiting } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SizeRange } from '../ledger/queue.ts';
import type { MonotonicMs, World } from '../platform/ports.ts';
import {
  type Allowance,
  decideThrift,
  describeThrift,
  dueIn,
  type Lane,
  laneOrder,
  type Thrift,
} from './policy.ts';

/** Whose turn it is: which waiting entry is sent next, and how long until there is one. */
export interface Turns {
  /** The entry that is sent next, now `uploading`; undefined where none is due. `isMetered` as the network says now. */
  claim(isMetered: boolean | undefined): Entry | undefined;
  /** Milliseconds until an entry that may be sent is due; Infinity where none is waited for. */
  nextDueMs(): number;
  /** True while an entry of the small lane is due: the bulk lane's turn ends after a part. */
  isSmallDue(): boolean;
  /** The wait after a spent attempt, by this run's own clock. */
  setWait(entryNo: number, delayMs: number): void;
  /** The entry left the queue. */
  forget(entryNo: number): void;
  /** The owner wants everything that waits sent, whatever it costs. */
  askForAll(): void;
  /** Why something that is due waits all the same; `affordable` when nothing does. */
  thrift(): Thrift;
}

export function createTurns(
  { clock, log }: Pick<World, 'clock' | 'log'>,
  ledger: Ledger,
  options: {
    readonly partSizeBytes: number;
    readonly allowance: Allowance;
    /** True for an entry nobody may send: it is being failed. */
    readonly isTaken: (entryNo: number) => boolean;
  },
): Turns {
  const laneSizes: Readonly<Record<Lane, SizeRange>> = {
    small: { overBytes: -1, upToBytes: options.partSizeBytes },
    bulk: { overBytes: options.partSizeBytes, upToBytes: Number.MAX_SAFE_INTEGER },
  };
  /** When waits that this run began end, by monotonic time; labels in the ledger count only after a restart. */
  const dueAt = new Map<number, MonotonicMs>();
  const askedFor = new Set<number>();
  let isMetered: boolean | undefined;
  let thrift: Thrift = 'affordable';
  /** What the log said last: the same hold is told once, not at each look at the queue. */
  let told: Thrift = 'affordable';
  let served: Lane | undefined;

  const waitOf = (entry: Waiting): number => {
    const dueMs = dueAt.get(entry.entryNo);
    return dueIn({
      nowWallMs: clock.wall(),
      nextRetryAtWallMs: entry.nextRetryAtMs,
      attemptsSpent: entry.retryCount,
      ...(dueMs === undefined ? {} : { monotonic: { nowMs: clock.monotonic(), dueMs } }),
    });
  };
  /** What the owner's allowance says of entries now. */
  const toDecide = (): ((entry: Waiting) => Thrift) => {
    const monthBytes = ledger.queue.monthBytes(clock.wall());
    return ({ entryNo, fileSizeBytes: sizeBytes }) =>
      decideThrift(options.allowance, {
        sizeBytes,
        isMetered,
        monthBytes,
        isAskedFor: askedFor.has(entryNo),
      });
  };
  const toIsDue = (): ((entry: Waiting) => boolean) => {
    const decide = toDecide();
    return (entry) => {
      if (options.isTaken(entry.entryNo) || waitOf(entry) > 0) return false;
      const decided = decide(entry);
      if (decided === 'affordable') return true;
      if (told !== decided) log.write('info', describeThrift(decided));
      told = decided;
      thrift = decided;
      return false;
    };
  };

  const claimByLane = (): Entry | undefined => {
    const isDue = toIsDue();
    // Exports of a ledger that was lost tell older news than this one's: they go first, or central could not tell.
    const foreign = ledger.queue.firstForeign();
    if (foreign !== undefined)
      return isDue(foreign) ? ledger.queue.claim(({ entryNo }) => entryNo === foreign.entryNo) : undefined;
    for (const lane of laneOrder(served)) {
      const entry = ledger.queue.claim(isDue, laneSizes[lane]);
      if (entry === undefined) continue;
      served = lane;
      return entry;
    }
    return undefined;
  };

  return {
    claim(metered) {
      isMetered = metered;
      thrift = 'affordable';
      const entry = claimByLane();
      if (thrift === 'affordable') {
        if (entry === undefined && told !== 'affordable')
          log.write('info', 'Nothing waits for a cheaper connection any more');
        told = 'affordable';
      }
      return entry;
    },
    nextDueMs: () => {
      // While one of another ledger waits, nothing else has a turn, however long it has been due.
      const foreign = ledger.queue.firstForeign();
      const waiting = foreign === undefined ? ledger.queue.waiting() : [foreign];
      // What is held although it is due was told by `claim`; what is not due yet is held by nobody.
      const decide = toDecide();
      let soonestMs = Number.POSITIVE_INFINITY;
      for (const entry of waiting) {
        const leftMs = waitOf(entry);
        if (leftMs < soonestMs && decide(entry) === 'affordable') soonestMs = leftMs;
      }
      return soonestMs;
    },
    isSmallDue: () => ledger.queue.hasDue(toIsDue(), laneSizes.small),
    setWait: (entryNo, delayMs) => {
      dueAt.set(entryNo, (clock.monotonic() + delayMs) as MonotonicMs);
    },
    forget: (entryNo) => {
      dueAt.delete(entryNo);
      askedFor.delete(entryNo);
    },
    // What central asked for, and the attempts an entry has left, are not the owner's to spend by asking again.
    askForAll: () => {
      for (const { entryNo } of ledger.queue.waiting()) askedFor.add(entryNo);
    },
    thrift: () => thrift,
  };
}
