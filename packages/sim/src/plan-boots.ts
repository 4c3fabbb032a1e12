import type { Aftermath } from './disk-tear.ts';
import { drawIncident, type PlannedIncident } from './plan-incidents.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './plan-times.ts';
import { type SimRandom, spread } from './random.ts';

/** A change that another of the boat's services makes to its records. */
export type SourceAction =
  | {
      readonly kind: 'rows';
      readonly source: 'boatlog' | 'captures' | 'snapshots' | 'alerts';
      readonly count: number;
    }
  | {
      readonly kind: 'change';
      readonly source: 'captures' | 'alerts' | 'settings' | 'onboarding';
    }
  | { readonly kind: 'remove'; readonly source: 'snapshots' | 'alerts' };

/** An event on board. It is skipped if the boat has no power at the time. */
export type Action =
  | SourceAction
  | { readonly kind: 'replace-boatlog'; readonly rows: number }
  | { readonly kind: 'export'; readonly type: 'full' | 'incremental' }
  | { readonly kind: 'daily'; readonly times: 1 | 2 }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'retry' }
  | { readonly kind: 'process' }
  | { readonly kind: 'cleanup'; readonly olderThanDays: 0 | 1 | 30 }
  /**
   * Waiting exports are written to a USB drive. After a while central imports the drive's content once or twice. Only `keptShare`
   * of the content is readable.
   */
  | {
      readonly kind: 'bundle';
      readonly withFailed: boolean;
      readonly carriedMs: number;
      readonly keptShare: number;
      readonly times: 1 | 2;
    }
  | { readonly kind: 'look'; readonly path: string }
  | { readonly kind: 'check' };

/** An action and its moment, counted from the boot or from the beginning of the run. */
export interface PlannedAction {
  readonly afterMs: number;
  readonly action: Action;
}

/** A boot of the machine, which lasts until it is switched off. */
export interface BootPlan {
  /** The step at which power fails. If undefined, power fails at the end of `onMs`. */
  readonly cutAtStep: number | undefined;
  /** The unsynced data that survives. */
  readonly aftermath: Aftermath;
  /** How the boot ends if power has not failed before. `stop` first stops the export manager, as a shutdown does. */
  readonly ending: 'cut' | 'stop';
  readonly onMs: number;
  readonly offMs: number;
  /**
   * How far behind the clock is after the boot; it never shows a time before 1970. A time server corrects it after
   * `synchronizedAfterMs`.
   */
  readonly clockBehindMs: number;
  readonly synchronizedAfterMs: number;
  readonly actions: readonly PlannedAction[];
  /** Incidents while the boat is on, timed from the boot. The run's own incidents mostly occur while the boat is off. */
  readonly incidents: readonly PlannedIncident[];
}

/** A boot without faults. */
export const CALM_BOOT: BootPlan = {
  cutAtStep: undefined,
  aftermath: 'torn',
  ending: 'cut',
  onMs: 200 * DAY_MS,
  offMs: 0,
  clockBehindMs: 0,
  synchronizedAfterMs: 0,
  actions: [],
  incidents: [],
};

/** An offset beyond the clock's range, so that the clock shows 1970. */
const FOREVER_MS = 100 * 365 * DAY_MS;

/** Draws a boot for a run of days with many incidents each. */
export function drawBoot(random: SimRandom): BootPlan {
  // Most boots are short, but some are long enough for the longest waits.
  const onMs = random.bool(0.8)
    ? spread(random, 30 * SECOND_MS, HOUR_MS)
    : spread(random, HOUR_MS, 6 * HOUR_MS);
  const offMs = spread(random, 2 * SECOND_MS, 60 * HOUR_MS);
  return drawBootOf(random, onMs, offMs, random.between(1, 10));
}

/**
 * Draws a boot for a run of weeks: the boat is on for a few hours, sometimes for a day and a night, and then lies in the harbour
 * without power for weeks.
 */
export function drawBootOfWeeks(random: SimRandom): BootPlan {
  const onMs = random.bool(0.85)
    ? spread(random, 2 * MINUTE_MS, 3 * HOUR_MS)
    : spread(random, 3 * HOUR_MS, 40 * HOUR_MS);
  const offMs = random.bool(0.9)
    ? spread(random, MINUTE_MS, 4 * DAY_MS)
    : spread(random, 4 * DAY_MS, 18 * DAY_MS);
  return drawBootOf(random, onMs, offMs, random.between(1, 12));
}

/** Maximum time between the start of an incident and the action that it should affect. */
const MOMENTS_BEFORE_MS = 5 * SECOND_MS;

function drawBootOf(random: SimRandom, onMs: number, offMs: number, count: number): BootPlan {
  const actions = Array.from({ length: count }, () => ({
    afterMs: spread(random, 200, onMs),
    action: drawAction(random),
  }));
  // The daily export's timer is persistent: it fires soon after a boot.
  if (random.bool(0.4)) actions.push({ afterMs: 3 * SECOND_MS, action: { kind: 'daily', times: 1 } });
  return {
    cutAtStep: random.bool(0.6) ? spread(random, 1, 2_000) : undefined,
    aftermath: random.pick(['torn', 'torn', 'torn', 'lost', 'kept'] as const),
    ending: random.bool(0.5) ? 'stop' : 'cut',
    onMs,
    offMs,
    clockBehindMs: drawClock(random),
    synchronizedAfterMs: spread(random, 2 * SECOND_MS, 2 * HOUR_MS),
    actions: actions.sort((a, b) => a.afterMs - b.afterMs),
    incidents: Array.from({ length: random.pick([0, 0, 1, 2]) }, () => ({
      // Shortly before an action, so that the incident affects it.
      atMs: Math.max(0, random.pick(actions).afterMs - random.integer(MOMENTS_BEFORE_MS)),
      incident: drawIncident(random, HOUR_MS),
    })),
  };
}

function drawClock(random: SimRandom): number {
  if (random.bool(0.35)) return 0;
  return random.bool(0.25) ? FOREVER_MS : spread(random, MINUTE_MS, 200 * DAY_MS);
}

const LOOKS = [
  '/export/status',
  '/export/queue',
  '/export/preview?type=incremental',
  '/metrics',
  '/export/files',
] as const;

function drawAction(random: SimRandom): Action {
  const roll = random.integer(104);
  if (roll < 30)
    return {
      kind: 'rows',
      source: random.pick(['boatlog', 'boatlog', 'captures', 'snapshots', 'alerts'] as const),
      count: spread(random, 1, 40),
    };
  if (roll < 40)
    return {
      kind: 'change',
      source: random.pick(['alerts', 'alerts', 'captures', 'settings', 'onboarding']),
    };
  if (roll < 43) return { kind: 'remove', source: random.pick(['snapshots', 'alerts']) };
  if (roll < 45) return { kind: 'replace-boatlog', rows: random.between(0, 60) };
  if (roll < 68)
    return {
      kind: 'export',
      type: random.bool(0.2) ? 'full' : 'incremental',
    };
  if (roll < 76) return { kind: 'daily', times: random.pick([1, 2]) };
  if (roll < 82) return { kind: 'cancel', which: random.integer(4) };
  if (roll < 86) return { kind: 'retry' };
  if (roll < 89) return { kind: 'process' };
  if (roll < 93) return { kind: 'cleanup', olderThanDays: random.pick([0, 1, 30]) };
  if (roll < 96) return { kind: 'look', path: random.pick(LOOKS) };
  if (roll < 100) return { kind: 'check' };
  return {
    kind: 'bundle',
    withFailed: random.bool(0.5),
    carriedMs: spread(random, MINUTE_MS, 5 * DAY_MS),
    keptShare: random.bool(0.6) ? 1 : random.fraction(),
    times: random.pick([1, 2]),
  };
}
