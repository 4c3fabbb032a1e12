import type { Store } from '@d3kos/central';
import { daysOf, describePlan, drawPlan } from './plan.ts';
import { type RunResult, runPlan, type PlantedDefect } from './run-plan.ts';
import { openCentralDatabase, type CentralDatabase } from './simulated-central.ts';
import { firstDifference } from './trace.ts';

/** What came of one seed, run twice. */
export interface SeedResult {
  readonly seed: number;
  readonly days: number;
  readonly violations: readonly string[];
  readonly lines: readonly string[];
  readonly counts: RunResult['counts'];
  readonly met: RunResult['met'];
}

/** Runs a seed twice on an empty database; two runs that differ are a violation too. `days`: as long as the seed lives by itself. */
export async function runSeed(
  database: CentralDatabase,
  seed: number,
  days: number = daysOf(seed),
  defect: PlantedDefect = {},
): Promise<SeedResult> {
  const plan = drawPlan(seed, days);
  const once = async (store: Store): Promise<RunResult> => {
    await database.empty();
    return runPlan(plan, store, defect);
  };
  const first = await once(database.store);
  const second = await once(database.store);
  const difference = firstDifference(first.lines, second.lines);
  return {
    seed,
    days,
    lines: first.lines,
    counts: first.counts,
    met: first.met,
    violations: difference === undefined ? first.violations : [...first.violations, difference],
  };
}

/** The plan of a seed, one line a fault. */
export function planLines(seed: number, days: number = daysOf(seed)): readonly string[] {
  return describePlan(drawPlan(seed, days));
}

/** The one command that does it again. */
export function toReplay(seed: number, days: number): string {
  return `npm run sim -- --seed ${seed} --days ${days}`;
}

export { openCentralDatabase };
