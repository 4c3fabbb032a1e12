import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MonotonicClock, Pause, RandomHex, WallClock } from './ports.ts';

/** The machine's clock. */
export const systemWall: WallClock = () => Date.now();

/** The machine's monotonic clock. */
export const systemMonotonic: MonotonicClock = () => performance.now();

/** A pause on the machine's monotonic clock. */
export const systemPause: Pause = async (delayMs, signal) => {
  // The only reason for a rejection is that `signal` aborted.
  await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
};

/** The machine's cryptographic randomness. */
export const systemRandomHex: RandomHex = (length) => randomBytes(length).toString('hex');

/** Maximum number of threads for large bodies. Each may take half a gigabyte. */
const THREADS_MAX = 4;

/** Returns the number of threads for large bodies. One core stays free for the thread that answers requests. */
export function preparerThreads(): number {
  return Math.max(1, Math.min(THREADS_MAX, availableParallelism() - 1));
}

/**
 * Longest wait for another program's complete answer. It allows for the upload of an ordinary part and a database statement.
 */
const FETCH_MAX_MS = 60_000;

/** Sends a request over the network. A redirect is returned as an answer. Rejects if there is no answer within a minute. */
export const systemFetch = (request: Request): Promise<Response> =>
  fetch(request, { redirect: 'manual', signal: AbortSignal.timeout(FETCH_MAX_MS) });
