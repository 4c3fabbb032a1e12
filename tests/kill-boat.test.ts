import test from 'node:test';
import { killBoat } from '../crash/kill-boat.ts';
import { createProcesses, toEnding } from './support/processes.ts';

/** How often the daemon is killed. */
const KILLS = Number(process.env['D3KOS_KILLS'] ?? 200);
/** Fixes the moments, as far as real processes can repeat anything. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);

test(
  `${KILLS} kills of the boat while it exports and uploads: nothing lost, nothing twice`,
  {
    timeout: 12 * 60_000,
  },
  async (t) => {
    t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED} D3KOS_KILLS=${KILLS}`);
    const report = (line: string): void => t.diagnostic(line);
    await killBoat(createProcesses(toEnding(t)), { times: KILLS, seed: SEED, report });
  },
);
