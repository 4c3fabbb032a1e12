import type { Category, CategoryState } from '@d3kos/protocol';
import type { DeliveryEvent } from './deliver/delivery-event.ts';
import type { Clock, Databases } from './platform/ports.ts';

/** Upper bounds of the commit histogram, in seconds. A good card syncs in 5 ms; a failing one takes seconds. */
const COMMIT_BOUNDS_S: readonly number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** The possible results of a send, counted by `d3kos_export_outcomes_total`. */
export const OUTCOMES = [
  'delivered',
  'attempt_spent',
  'unreachable',
  'throttled',
  'stepped_aside',
  'blocked',
  'diverged',
  'rejected',
  'failed',
  'not_permitted',
  'cancelled',
] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

/** What the daemon has measured since it started, except for what the ledger already stores. */
export interface MeasuredValues {
  readonly outcomes: Readonly<Record<OutcomeName, number>>;
  readonly partsSent: number;
  /** How reading each category went in the last export. */
  readonly collectors: Readonly<
    Partial<
      Record<Category, { readonly state: CategoryState; readonly count: number; readonly durationS: number }>
    >
  >;
  /** Histogram of ledger commit durations, with bounds in seconds. */
  readonly commits: {
    readonly boundsS: readonly number[];
    readonly upTo: readonly number[];
    readonly count: number;
    readonly sumS: number;
  };
}

export interface Measurements {
  read(): MeasuredValues;
  recordDelivery(event: DeliveryEvent): void;
  recordCategory(read: {
    readonly category: Category;
    readonly state: CategoryState;
    readonly count: number;
    readonly durationMs: number;
  }): void;
  /** Wraps databases so that the duration of each ledger transaction is measured, including the sync to the card. */
  measureCommits(databases: Databases, clock: Pick<Clock, 'monotonic'>): Databases;
}

export function createMeasurements(): Measurements {
  const outcomes = Object.fromEntries(OUTCOMES.map((name) => [name, 0])) as Record<OutcomeName, number>;
  const collectors: { -readonly [C in Category]?: NonNullable<MeasuredValues['collectors'][C]> } = {};
  const upTo = COMMIT_BOUNDS_S.map(() => 0);
  const commits = { boundsS: COMMIT_BOUNDS_S, upTo, count: 0, sumS: 0 };
  let partsSent = 0;
  return {
    read: () => ({ outcomes, partsSent, collectors, commits }),
    recordDelivery(event) {
      if (event.kind === 'part_started') partsSent += 1;
      const outcome = toOutcome(event);
      if (outcome !== undefined) outcomes[outcome] += 1;
    },
    recordCategory({ category, state, count, durationMs }) {
      collectors[category] = { state, count, durationS: durationMs / 1_000 };
    },
    measureCommits: (databases, clock) => ({
      ...databases,
      openLedger(path, ballast) {
        const ledger = databases.openLedger(path, ballast);
        return {
          ...ledger,
          transaction(work) {
            const beganMs = clock.monotonic();
            const result = ledger.transaction(work);
            const durationS = (clock.monotonic() - beganMs) / 1_000;
            commits.count += 1;
            commits.sumS += durationS;
            for (const [at, boundS] of COMMIT_BOUNDS_S.entries())
              if (durationS <= boundS) upTo[at] = (upTo[at] ?? 0) + 1;
            return result;
          },
        };
      },
    }),
  };
}

function toOutcome(event: DeliveryEvent): OutcomeName | undefined {
  switch (event.kind) {
    case 'delivered':
    case 'attempt_spent':
    case 'stepped_aside':
    case 'rejected':
      return event.kind;
    case 'dead_lettered':
      return 'failed';
    case 'waits_unspent':
      return event.reason;
    default:
      return undefined;
  }
}
