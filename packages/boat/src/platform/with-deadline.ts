import type { Clock } from './ports.ts';

/** The result of `withDeadline`. */
export type Timely<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'late' };

/**
 * Runs `work` with a signal that also aborts after `deadlineMs`. Returns `late` if `work` failed because of the deadline. Rejects
 * with the signal's reason when `signal` is aborted, and with any other error that `work` throws.
 */
export async function withDeadline<T>(
  clock: Pick<Clock, 'sleep'>,
  deadlineMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Timely<T>> {
  const ended = new AbortController();
  const late = new AbortController();
  const deadline = clock.sleep(deadlineMs, ended.signal).then(
    () => late.abort(),
    () => undefined,
  );
  try {
    return { kind: 'done', value: await work(AbortSignal.any([signal, late.signal])) };
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) return { kind: 'late' };
    throw error;
  } finally {
    ended.abort();
    await deadline;
  }
}
