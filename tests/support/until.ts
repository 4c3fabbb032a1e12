import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Timeout for one state. On an idle machine the slowest wait takes 15 s. The suite must also pass on a machine whose cores are
 * busy with other work, so this timeout only ends a test that is stuck.
 */
export const WAIT_MAX_MS = 180_000;
/** Interval between two reads of a state that emits no event. */
const POLL_MS = 10;

/**
 * Resolves once `isTrue` resolves to true. After {@link WAIT_MAX_MS} it rejects with `state`, the description of the awaited
 * state.
 */
export async function until(state: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - began > WAIT_MAX_MS)
      throw new Error(`Waited ${WAIT_MAX_MS / 1_000} s without effect for: ${state}`);
    await sleep(POLL_MS);
  }
}
