import type { Aftermath } from './disk-tear.ts';
import { type BoatPlan, MANY_ALERTS, type Plan } from './plan.ts';
import { type BootPlan, CALM_BOOT, type PlannedAction } from './plan-boots.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from './plan-times.ts';

/**
 * A point at which power fails in the small scenario: a step of a boot, the data that survives, and optionally a step of the next
 * boot at which power fails again. Examples as text: `2.17-lost`, `1.40-p3` (only three of SQLite's pages survive),
 * `1.40-torn+9`.
 */
export interface Point {
  readonly boot: number;
  readonly step: number;
  readonly aftermath: Aftermath;
  /** The step of the next boot at which power fails again. */
  readonly again: number | undefined;
}

export function toPointText({ boot, step, aftermath, again }: Point): string {
  const left = typeof aftermath === 'number' ? `p${aftermath}` : aftermath;
  return `${boot}.${step}-${left}${again === undefined ? '' : `+${again}`}`;
}

/** Parses a point. Throws RangeError if the text is not a point. */
export function parsePoint(text: string): Point {
  const [, boot, step, left = '', again] =
    /^([1-9]\d*)\.([1-9]\d*)-(torn|lost|kept|p[1-9]\d*)(?:\+([1-9]\d*))?$/.exec(text) ?? [];
  if (boot === undefined)
    throw new RangeError(`${text} is not a point. Examples: 1.17-lost, 1.40-p3, 2.9-torn+4`);
  return {
    boot: Number(boot),
    step: Number(step),
    // Apart from pages, the pattern accepts only these three values.
    aftermath: left.startsWith('p') ? Number(left.slice(1)) : (left as 'torn' | 'lost' | 'kept'),
    again: again === undefined ? undefined : Number(again),
  };
}

/** Duration of the boat's work, and of the pause after which its exports are old enough to be removed. */
const WORK_MS = 8 * MINUTE_MS;
const OFF_MS = 31 * DAY_MS;
/** Longer than the delay of the first cleanup after a start. */
const CLEANUP_MS = 12 * MINUTE_MS;
/** Time without power after a power cut. */
const CUT_MS = 5 * SECOND_MS;

/** The boot in which the boat works. A month later, it cleans up in a second boot. */
const WORK: BootPlan = { ...CALM_BOOT, onMs: WORK_MS, offMs: OFF_MS, ending: 'stop' };
const CLEANUP: BootPlan = {
  ...CALM_BOOT,
  onMs: CLEANUP_MS,
  offMs: CUT_MS,
  ending: 'stop',
  actions: [
    { afterMs: 2 * SECOND_MS, action: { kind: 'rows', source: 'boatlog', count: 1 } },
    { afterMs: 3 * SECOND_MS, action: { kind: 'daily', times: 1 } },
  ],
};

const BOAT: BoatPlan = {
  installationId: '0123456789abcdef',
  partSizeBytes: 16_384,
  reserveBytes: 0,
  cardBytes: 64 * 1_048_576,
  timeZone: 'UTC',
  diskLatencyMaxMs: 0,
  boatlogIds: 'integer',
  boatlogRows: 12,
  captureRows: 1,
  alertRows: MANY_ALERTS,
  contentLengthMax: 2_500,
  bytesPerSecond: 50_000,
  carriedBytesMax: undefined,
  latencyMaxMs: 20,
  meteredSizeMaxBytes: Number.MAX_SAFE_INTEGER,
  monthlyBudgetBytes: undefined,
  legacyQueue: { format: 'lists', exports: 1, isTorn: false },
  hasMalformedFiles: false,
};

const ACTIONS: readonly PlannedAction[] = [
  { afterMs: 2 * SECOND_MS, action: { kind: 'export', type: 'full' } },
  { afterMs: MINUTE_MS, action: { kind: 'rows', source: 'boatlog', count: 2 } },
  { afterMs: MINUTE_MS + SECOND_MS, action: { kind: 'export', type: 'incremental' } },
  { afterMs: 2 * MINUTE_MS + SECOND_MS, action: { kind: 'change', source: 'alerts' } },
  // Central rejects this export.
  { afterMs: 2 * MINUTE_MS + 2 * SECOND_MS, action: { kind: 'export', type: 'incremental' } },
  { afterMs: 4 * MINUTE_MS, action: { kind: 'rows', source: 'captures', count: 1 } },
  // The link is down, and the owner cancels this export.
  { afterMs: 4 * MINUTE_MS + SECOND_MS, action: { kind: 'export', type: 'incremental' } },
  { afterMs: 4 * MINUTE_MS + 20 * SECOND_MS, action: { kind: 'cancel', which: 0 } },
  { afterMs: 6 * MINUTE_MS, action: { kind: 'daily', times: 1 } },
];

/**
 * Plans the small scenario. The first boot consists of a start with a legacy queue, a full export in two parts, an incremental
 * export, an export that central rejects, one that the owner cancels, the daily export, and a clean stop. The second boot, a
 * month later, consists of retention's cleanup and a clean stop. A calm day follows, as in every run. With `point`, power fails
 * there.
 */
export function toSmallPlan(point?: Point): Plan {
  return {
    seed: 0,
    // Includes the extra time for a power cut and the start after it.
    days: (OFF_MS + 2 * WORK_MS + 2 * CLEANUP_MS) / DAY_MS,
    startWallMs: Date.UTC(2026, 5, 1, 9, 30),
    boat: BOAT,
    boots: toBoots(point),
    actions: ACTIONS,
    incidents: [
      { atMs: 2 * MINUTE_MS, incident: { kind: 'central-rejects', forMs: MINUTE_MS } },
      { atMs: 4 * MINUTE_MS - SECOND_MS, incident: { kind: 'link', state: 'down' } },
      { atMs: 5 * MINUTE_MS, incident: { kind: 'link', state: 'up' } },
    ],
    card: undefined,
    copy: undefined,
    isRestartedForCalm: false,
  };
}

function toBoots(point: Point | undefined): readonly BootPlan[] {
  if (point === undefined) return [WORK, CLEANUP];
  const cut = { cutAtStep: point.step, aftermath: point.aftermath, offMs: CUT_MS };
  const again = point.again === undefined ? [] : [{ ...CALM_BOOT, cutAtStep: point.again, offMs: CUT_MS }];
  return point.boot === 1
    ? [{ ...WORK, ...cut }, ...again, WORK, CLEANUP]
    : [WORK, { ...CLEANUP, ...cut }, ...again, CLEANUP];
}
