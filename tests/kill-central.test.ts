import test from 'node:test';
import { killCentral } from '../crash/kill-central.ts';
import { createProcesses, toEnding } from './support/processes.ts';

/** How often central is killed. */
const KILLS = Number(process.env['D3KOS_CENTRAL_KILLS'] ?? 20);
/** Fixes the moments, as far as real processes can repeat anything. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);

test(
  `${KILLS} kills of central while it imports: nothing lost, nothing twice, and its database recovers`,
  {
    timeout: 12 * 60_000,
  },
  async (t) => {
    t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED} D3KOS_CENTRAL_KILLS=${KILLS}`);
    const report = (line: string): void => t.diagnostic(line);
    await killCentral(createProcesses(toEnding(t)), { times: KILLS, seed: SEED, report });
  },
);
