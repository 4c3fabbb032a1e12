import type { Log, Pause } from '../platform/ports.ts';

/**
 * Pause before the steps are applied again, chosen so that a waiting step delays other sessions for less than a fifth of the time.
 * The transaction is idle meanwhile, which a session may be for 60 s.
 */
const RETRY_MS = 15_000;

/** What a migration waits for: another node's migration, or a table that another session uses. */
export type Blocked = { readonly kind: 'node' } | { readonly kind: 'table'; readonly step: string };

/** Called after each lock timeout of a migration. The migration continues once it resolves. */
export type WaitForLock = (blocked: Blocked) => Promise<void>;

/**
 * Returns the wait of one migration run. It logs the first step that has to wait, pauses between attempts, and throws the reason
 * of `signal` once it aborts. It has no time limit, because the end of a backup cannot be predicted.
 */
export function createLockWait({
  log,
  pause,
  signal,
}: {
  readonly log: Log;
  readonly pause: Pause;
  readonly signal?: AbortSignal | undefined;
}): WaitForLock {
  let isReported = false;
  return async (blocked) => {
    signal?.throwIfAborted();
    if (blocked.kind === 'node') return;
    if (!isReported)
      log.write('warn', 'a schema step waits for a table that another session uses', {
        step: blocked.step,
        hint: 'the step is tried again until the table is free; pg_stat_activity shows the session, such as a pg_dump: wait for it, or end it',
      });
    isReported = true;
    await pause(RETRY_MS, signal);
    signal?.throwIfAborted();
  };
}
