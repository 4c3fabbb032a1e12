import test from 'node:test';
import { insertCard } from '../../crash/card.ts';
import { CARD_SIZE_BYTES, cutPower } from '../../crash/cut-power.ts';
import type { CrashRun } from '../../crash/run.ts';
import { createProcesses, type Processes, toEnding } from './processes.ts';

/** Determines the random moments, to the extent that real processes are reproducible. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);

/** Defines a test that runs one round of crash tests and prints the seed with which to repeat it. */
export function crashTest(
  title: string,
  times: number,
  work: (processes: Processes, run: CrashRun) => Promise<unknown>,
): void {
  test(title, async (t) => {
    t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED}`);
    await work(createProcesses(toEnding(t)), { times, seed: SEED, report: (line) => t.diagnostic(line) });
  });
}

/** Defines a test that cuts power to a working boat. Skips the test if this machine cannot mount a card. */
export function powerCutTest(cuts: number): void {
  test(`${cuts} power cuts on a working boat lose nothing, store nothing twice and leave complete views`, async (t) => {
    t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED}`);
    const card = insertCard(CARD_SIZE_BYTES);
    if (card.kind === 'unavailable') return t.skip(card.reason);
    const processes = createProcesses(toEnding(t));
    processes.atEnd(() => card.close());
    await cutPower(processes, card, { times: cuts, seed: SEED, report: (line) => t.diagnostic(line) });
  });
}
