import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openShoreDatabase, runSeed, toReplay } from '../run.ts';

/** Virtual days of each seed in the suite: some ten boots with their faults, and a second and a half of real time. */
const DAYS = 3;
/** Longest the seeds of one file may take; they take a minute and a half on two cores. */
const SEEDS_MAX_MS = 8 * 60_000;

/**
 * A test that runs the seeds from `from` to `to`, each twice, against the real boat and the real central, and wants every
 * promise kept and both traces equal. What was broken comes with the one command that does it again.
 */
export function holdSeeds(from: number, to: number): void {
  test(
    `seeds ${from} to ${to}: every promise is kept, and a seed leaves one trace`,
    { timeout: SEEDS_MAX_MS },
    (t) => runSeeds(t, from, to),
  );
}

async function runSeeds(t: TestContext, from: number, to: number): Promise<void> {
  const database = await openShoreDatabase();
  const totals: Record<string, number> = {};
  const broken: string[] = [];
  try {
    for (let seed = from; seed <= to; seed += 1) {
      const { violations, counts } = await runSeed(database, seed, DAYS);
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
      if (violations.length > 0)
        broken.push(`${toReplay(seed, DAYS)}\n  ${violations.slice(0, 5).join('\n  ')}`);
    }
  } finally {
    await database.close();
  }
  t.diagnostic(
    Object.entries(totals)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  assert.deepEqual(broken, []);
  assert.ok(
    (totals['acknowledged'] ?? 0) > to - from && (totals['cuts'] ?? 0) > to - from,
    'the boats were at work',
  );
}
