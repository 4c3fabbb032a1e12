import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves like `work`, or with undefined once `maxMs` have passed. The work then continues, and if it fails later, the failure
 * is ignored.
 */
export async function withDeadline<T>(work: Promise<T>, maxMs: number): Promise<T | undefined> {
  const ended = new AbortController();
  const late = sleep(maxMs, undefined, { signal: ended.signal });
  try {
    return await Promise.race([work, late]);
  } finally {
    work.catch(() => undefined);
    late.catch(() => undefined);
    ended.abort();
  }
}
