import type { Store } from '@d3kos/central';
import { describePlan, drawPlan } from './plan.ts';
import { type RunResult, runPlan, type Sabotage } from './scenario.ts';
import { openShoreDatabase, type ShoreDatabase } from './shore.ts';
import { firstDifference } from './trace.ts';

/** What came of one seed, run twice. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly lines: readonly string[];
  readonly counts: RunResult['counts'];
}

/** Runs a seed twice on an empty database; two runs that differ are a violation too. */
export async function runSeed(
  database: ShoreDatabase,
  seed: number,
  days: number,
  sabotage: Sabotage = {},
): Promise<SeedResult> {
  const plan = drawPlan(seed, days);
  const once = async (store: Store): Promise<RunResult> => {
    await database.empty();
    return runPlan(plan, store, sabotage);
  };
  const first = await once(database.store);
  const second = await once(database.store);
  const difference = firstDifference(first.lines, second.lines);
  return {
    seed,
    lines: first.lines,
    counts: first.counts,
    violations: difference === undefined ? first.violations : [...first.violations, difference],
  };
}

/** The plan of a seed, one line a fault. */
export function planLines(seed: number, days: number): readonly string[] {
  return describePlan(drawPlan(seed, days));
}

/** The one command that does it again. */
export function toReplay(seed: number, days: number): string {
  return `npm run sim -- --seed ${seed} --days ${days}`;
}

export { openShoreDatabase };
