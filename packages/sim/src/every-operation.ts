import type { Store } from '@d3kos/central';
import type { Step } from './simulation.ts';
import type { Aftermath } from './disk-tear.ts';
import { MANY_ALERTS, type Plan } from './plan.ts';
import { type BootPlan, CALM_BOOT } from './plan-boots.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from './plan-times.ts';
import { type RunResult, runPlan, type PlantedDefect } from './run-plan.ts';
import type { CentralDatabase } from './simulated-central.ts';

/**
 * One moment at which power fails in the small scenario: at a step of a boot, with what that leaves, and maybe again at a
 * step of the boot that follows. As a text: `2.17-lost`, `1.40-p3` (nothing but three pages of SQLite's), `1.40-torn+9`.
 */
export interface Point {
  readonly boot: number;
  readonly step: number;
  readonly aftermath: Aftermath;
  /** The step of the recovery at which power fails again. */
  readonly again: number | undefined;
}

export function toPointText({ boot, step, aftermath, again }: Point): string {
  const left = typeof aftermath === 'number' ? `p${aftermath}` : aftermath;
  return `${boot}.${step}-${left}${again === undefined ? '' : `+${again}`}`;
}

/** Throws RangeError where the text is no point. */
export function parsePoint(text: string): Point {
  const [, boot, step, left = '', again] =
    /^([1-9]\d*)\.([1-9]\d*)-(torn|lost|kept|p[1-9]\d*)(?:\+([1-9]\d*))?$/.exec(text) ?? [];
  if (boot === undefined) throw new RangeError(`${text} is no point: 1.17-lost, 1.40-p3 and 2.9-torn+4 are`);
  return {
    boot: Number(boot),
    step: Number(step),
    // The pattern admits these three besides pages.
    aftermath: left.startsWith('p') ? Number(left.slice(1)) : (left as 'torn' | 'lost' | 'kept'),
    again: again === undefined ? undefined : Number(again),
  };
}

/** How long the boat works in the scenario, and how long it is off until its exports are old enough to be removed. */
const WORK_MS = 8 * MINUTE_MS;
const OFF_MS = 31 * DAY_MS;
/** Longer than the first cleanup after a start waits. */
const CLEANUP_MS = 12 * MINUTE_MS;
/** How long a boat is off whose power failed. */
const CUT_MS = 5 * SECOND_MS;

/** The boot in which the boat works, and the one a month later in which it cleans up. */
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

/**
 * The small scenario: a first start, an old queue, a full export in two parts, an incremental one, one that central
 * rejects and one that the owner cancels, the daily one, a clean stop; a month later retention's cleanup and a clean stop;
 * then, as after every run, a calm day. `point`: the power fails there.
 */
export function toSmallPlan(point?: Point): Plan {
  const cut = point === undefined ? {} : { cutAtStep: point.step, aftermath: point.aftermath, offMs: CUT_MS };
  const again = point?.again === undefined ? [] : [{ ...CALM_BOOT, cutAtStep: point.again, offMs: CUT_MS }];
  const boots =
    point === undefined
      ? [WORK, CLEANUP]
      : point.boot === 1
        ? [{ ...WORK, ...cut }, ...again, WORK, CLEANUP]
        : [WORK, { ...CLEANUP, ...cut }, ...again, CLEANUP];
  const atMinute = (minute: number): number => minute * MINUTE_MS;
  return {
    seed: 0,
    // With what a cut and the start after it add.
    days: (OFF_MS + 2 * WORK_MS + 2 * CLEANUP_MS) / DAY_MS,
    startWallMs: Date.UTC(2026, 5, 1, 9, 30),
    boat: {
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
    },
    boots,
    actions: [
      { afterMs: 2 * SECOND_MS, action: { kind: 'export', type: 'full' } },
      { afterMs: atMinute(1), action: { kind: 'rows', source: 'boatlog', count: 2 } },
      { afterMs: atMinute(1) + SECOND_MS, action: { kind: 'export', type: 'incremental' } },
      { afterMs: atMinute(2) + SECOND_MS, action: { kind: 'change', source: 'alerts' } },
      // Central rejects this one.
      { afterMs: atMinute(2) + 2 * SECOND_MS, action: { kind: 'export', type: 'incremental' } },
      { afterMs: atMinute(4), action: { kind: 'rows', source: 'captures', count: 1 } },
      // There is no network: the owner cancels this one.
      { afterMs: atMinute(4) + SECOND_MS, action: { kind: 'export', type: 'incremental' } },
      { afterMs: atMinute(4) + 20 * SECOND_MS, action: { kind: 'cancel', which: 0 } },
      { afterMs: atMinute(6), action: { kind: 'daily', times: 1 } },
    ],
    incidents: [
      { atMs: atMinute(2), incident: { kind: 'central-rejects', forMs: MINUTE_MS } },
      { atMs: atMinute(4) - SECOND_MS, incident: { kind: 'link', state: 'down' } },
      { atMs: atMinute(5), incident: { kind: 'link', state: 'up' } },
    ],
    isRestartedForCalm: false,
  };
}

/** Runs the small scenario on an empty database; with a point, power fails there. */
export async function runPoint(
  database: CentralDatabase,
  point: Point | undefined,
  defect: PlantedDefect = {},
  follow?: 'steps',
): Promise<RunResult> {
  await database.empty();
  // The type of `store` is the one central works on.
  const store: Store = database.store;
  return runPlan(toSmallPlan(point), store, defect, follow);
}

/** What was tried, and what of it broke a promise. */
export interface EveryOperationResult {
  /** Steps of the scenario at which power can fail, by kind. */
  readonly operations: ReadonlyMap<string, number>;
  readonly runs: number;
  readonly runsAgain: number;
  readonly pageRuns: number;
  readonly broken: readonly { readonly point: Point; readonly violations: readonly string[] }[];
}

/** Which of the points are run: every `every`th, beginning at the `from`th; 1 and 0 are all of them. */
export interface Share {
  readonly every: number;
  readonly from: number;
}

/** Every how manyth operation is followed by a second cut, in each of so many first steps of the start after it. */
const AGAIN_EVERY = 40;
const AGAIN_STEPS = 24;

const AFTERMATHS = ['torn', 'lost', 'kept'] as const;

/**
 * Cuts the power at every operation of the small scenario, each with what was not synced torn, lost and kept, and within
 * what SQLite writes behind every single page; and at some of them again at every step of the start that follows. `tell`
 * hears of each broken point at once.
 */
export async function runEveryOperation(
  database: CentralDatabase,
  share: Share,
  defect: PlantedDefect = {},
  tell: (point: Point, violations: readonly string[]) => void = () => undefined,
): Promise<EveryOperationResult> {
  const whole = await runPoint(database, undefined, defect, 'steps');
  // The boots of the calm day are not the scenario's.
  const steps = whole.steps.filter(({ boot }) => boot <= 2);
  const operations = new Map<string, number>();
  for (const { op } of steps) operations.set(op, (operations.get(op) ?? 0) + 1);
  const counts = { runs: 0, runsAgain: 0, pageRuns: 0 };
  const broken: { point: Point; violations: readonly string[] }[] = [];
  let place = 0;
  const run = async (point: Point): Promise<void> => {
    const { violations } = await runPoint(database, point, defect);
    if (violations.length === 0) return;
    broken.push({ point, violations });
    tell(point, violations);
  };
  const isOurs = (): boolean => {
    place += 1;
    return (place - 1) % share.every === share.from;
  };
  for (const [index, step] of steps.entries()) {
    const at = toPoint(step);
    for (const aftermath of AFTERMATHS) {
      if (!isOurs()) continue;
      counts.runs += 1;
      await run({ ...at, aftermath });
    }
    for (let page = 1; page < step.pages; page += 1) {
      if (!isOurs()) continue;
      counts.pageRuns += 1;
      await run({ ...at, aftermath: page });
    }
    if (index % AGAIN_EVERY !== 0) continue;
    for (let again = 1; again <= AGAIN_STEPS; again += 1) {
      if (!isOurs()) continue;
      counts.runsAgain += 1;
      await run({ ...at, aftermath: 'torn', again });
    }
  }
  return { operations, ...counts, broken };
}

function toPoint({ boot, number }: Step): Omit<Point, 'aftermath'> {
  return { boot, step: number, again: undefined };
}
