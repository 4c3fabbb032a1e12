import type { Clock, MonotonicMs, WallMs } from './ports.ts';

/** Maximum delay of a single timer. Node fires timers with longer delays immediately, so a longer sleep uses several timers. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Creates the machine's clock. Sleeps are monotonic: setting the wall clock neither shortens nor prolongs them. */
export function createClock(): Clock {
  return {
    // The brands identify which clock a number was read from. Only this file reads the machine's clocks.
    wall: () => Date.now() as WallMs,
    monotonic: () => performance.now() as MonotonicMs,
    sleep: sleepInSteps,
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

async function sleepInSteps(delayMs: number, signal?: AbortSignal): Promise<void> {
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
