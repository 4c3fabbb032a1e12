import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Longest wait for one state. On a quiet machine the slowest takes 15 s; the suite has to pass where every core is shared with
 * other work, so this bound only ends a test that is stuck.
 */
const WAIT_MAX_MS = 180_000;
/** Interval between two reads of a state that emits no event. */
const POLL_MS = 10;

/** Resolves once `isTrue` does. Rejects after {@link WAIT_MAX_MS} with `state`, the state that did not come. */
export async function until(state: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - began > WAIT_MAX_MS)
      throw new Error(`Waited ${WAIT_MAX_MS / 1_000} s without effect for: ${state}`);
    await sleep(POLL_MS);
  }
}
