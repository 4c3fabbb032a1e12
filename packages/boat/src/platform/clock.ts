import type { Clock, MonotonicMs, WallMs } from './ports.ts';

/** Longest delay one timer takes: above 2^31 - 1 ms Node fires at once, so longer sleeps are made of several. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The machine's clock. Waits are monotonic: setting the wall clock neither shortens nor prolongs them. */
export function createClock(): Clock {
  return {
    // The brands say which clock a number was read from; here, and only here, is where it is read.
    wall: () => Date.now() as WallMs,
    monotonic: () => performance.now() as MonotonicMs,
    sleep: sleepInTurns,
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

async function sleepInTurns(delayMs: number, signal?: AbortSignal): Promise<void> {
  const dueMs = performance.now() + delayMs;
  let leftMs = delayMs;
  do {
    await sleepOnce(Math.min(leftMs, TIMER_MAX_MS), signal);
    leftMs = dueMs - performance.now();
  } while (leftMs > 0);
}

function sleepOnce(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
