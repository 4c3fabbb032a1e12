import type { Store } from '@d3kos/central';
import { daysOf, describePlan, drawPlan } from './plan.ts';
import { type PlantedDefect, type RunResult, runPlan } from './run-plan.ts';
import type { CentralDatabase } from './simulated-central.ts';
import { firstDifference } from './trace.ts';

export interface SeedOptions {
  /** Number of virtual days. The default depends on the seed. */
  readonly days?: number | undefined;
  readonly defect?: PlantedDefect;
}

/** The result of one seed, which was run twice. */
export interface SeedResult extends Omit<RunResult, 'steps'> {
  readonly seed: number;
  readonly days: number;
}

/** Runs a seed twice, each time on an empty database. A difference between the two runs also counts as a violation. */
export async function runSeed(
  database: CentralDatabase,
  seed: number,
  { days = daysOf(seed), defect = {} }: SeedOptions = {},
): Promise<SeedResult> {
  const plan = drawPlan(seed, days);
  const once = async (store: Store): Promise<RunResult> => {
    await database.empty();
    return runPlan(plan, store, { defect });
  };
  const first = await once(database.store);
  const second = await once(database.store);
  const difference = firstDifference(first.lines, second.lines);
  return {
    seed,
    days,
    lines: first.lines,
    counts: first.counts,
    coverage: first.coverage,
    violations: difference === undefined ? first.violations : [...first.violations, difference],
  };
}

/** Describes a seed's plan in human-readable form. */
export function toPlanLines(seed: number, days: number = daysOf(seed)): readonly string[] {
  return describePlan(drawPlan(seed, days));
}

/** Returns the command that runs a seed again. */
export function toReplay(seed: number, days: number): string {
  return `npm run sim -- --seed ${seed} --days ${days}`;
}
