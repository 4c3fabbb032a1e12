import { type RunOptions, type RunResult, runPlan } from './run-plan.ts';
import type { CentralDatabase } from './simulated-central.ts';
import type { Step } from './simulation.ts';
import { type Point, toSmallPlan } from './small-scenario.ts';

/** Runs the small scenario on an empty database. If a point is given, power fails there. */
export async function runPoint(
  database: CentralDatabase,
  point: Point | undefined,
  options: RunOptions = {},
): Promise<RunResult> {
  await database.empty();
  return runPlan(toSmallPlan(point), database.store, options);
}

/** The points that were run, and those at which a promise was broken. */
export interface EveryOperationResult {
  /** The scenario's steps at which power can fail, by kind. */
  readonly operations: ReadonlyMap<string, number>;
  readonly runs: number;
  readonly runsAgain: number;
  readonly pageRuns: number;
  readonly broken: readonly BrokenPoint[];
}

export interface BrokenPoint {
  readonly point: Point;
  readonly violations: readonly string[];
}

/** The points to run: one of `every`, beginning with number `from`. With 1 and 0, all points are run. */
export interface Share {
  readonly every: number;
  readonly from: number;
}

/** Interval, in operations, between points that also cut power a second time, at each of the first steps of the next start. */
const AGAIN_EVERY = 40;
const AGAIN_STEPS = 24;

const AFTERMATHS = ['torn', 'lost', 'kept'] as const;

/** A kind of power cut: at an operation, after a page that SQLite wrote during the operation, or again during the next start. */
type CutKind = 'runs' | 'pageRuns' | 'runsAgain';

/**
 * Cuts the power at every operation of the small scenario, with unsynced data torn, lost and kept, and after every page that
 * SQLite writes. After some of these cuts, power fails again at each step of the next start. `report` is called at once for each
 * point that breaks a promise, and `logProgress` before each point.
 */
export async function runEveryOperation(
  database: CentralDatabase,
  share: Share,
  options: Pick<RunOptions, 'defect'> = {},
  report: (broken: BrokenPoint) => void = () => undefined,
  logProgress: (done: number, all: number) => void = () => undefined,
): Promise<EveryOperationResult> {
  const whole = await runPoint(database, undefined, { ...options, steps: 'listed' });
  // Later boots belong to the calm day.
  const steps = whole.steps.filter(({ boot }) => boot <= 2);
  const operations = new Map<string, number>();
  for (const { op } of steps) operations.set(op, (operations.get(op) ?? 0) + 1);
  const counts = { runs: 0, runsAgain: 0, pageRuns: 0 };
  const broken: BrokenPoint[] = [];
  const cuts = steps.flatMap(toCuts).filter((_, index) => index % share.every === share.from);
  for (const [index, { kind, point }] of cuts.entries()) {
    logProgress(index, cuts.length);
    counts[kind] += 1;
    const { violations } = await runPoint(database, point, options);
    if (violations.length === 0) continue;
    broken.push({ point, violations });
    report({ point, violations });
  }
  return { operations, ...counts, broken };
}

function toCuts(
  { boot, number, pages }: Step,
  index: number,
): readonly { readonly kind: CutKind; readonly point: Point }[] {
  const at = { boot, step: number, again: undefined };
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);
  return [
    ...AFTERMATHS.map((aftermath) => ({ kind: 'runs' as const, point: { ...at, aftermath } })),
    ...numbers(Math.max(0, pages - 1)).map((page) => ({
      kind: 'pageRuns' as const,
      point: { ...at, aftermath: page },
    })),
    ...(index % AGAIN_EVERY === 0 ? numbers(AGAIN_STEPS) : []).map((again) => ({
      kind: 'runsAgain' as const,
      point: { ...at, aftermath: 'torn' as const, again },
    })),
  ];
}
