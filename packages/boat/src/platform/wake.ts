import type { Clock } from './ports.ts';

/** A wait that other code can end. A wake-up that comes before the wait is not lost. */
export interface Wake {
  /** Ends the current wait, or the next one if there is none. */
  wake(): void;
  /** Resolves after `delayMs` or at the next `wake`, whichever comes first. Rejects when aborted. */
  wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void>;
}

export function createWake(): Wake {
  let isAwake = false;
  let waiting: AbortController | undefined;
  return {
    wake() {
      isAwake = true;
      waiting?.abort();
    },
    async wait(clock, delayMs, signal) {
      signal.throwIfAborted();
      if (!isAwake) {
        const woken = new AbortController();
        waiting = woken;
        const stop = (): void => woken.abort();
        signal.addEventListener('abort', stop, { once: true });
        try {
          await clock.sleep(delayMs, woken.signal);
        } catch (error) {
          if (!woken.signal.aborted) throw error;
        } finally {
          signal.removeEventListener('abort', stop);
          waiting = undefined;
        }
        signal.throwIfAborted();
      }
      isAwake = false;
    },
  };
}
