import type { Clock, MonotonicMs, WallMs } from '../../boat/src/platform/ports.ts';
import { createDueQueue, type Due } from './clock-queue.ts';
import { never } from './power.ts';

/** A machine's clock during one boot. Its wall clock may be wrong and may jump. After a power cut, its waits never end. */
export interface MachineClock extends Clock {
  /** Sets the wall clock, as NTP or a user does. Waits are not affected. */
  setWall(wallMs: number): void;
  /** Stops the clock because power has failed. From then on, no wait on this clock ends, not even if it is aborted. */
  stop(): void;
}

/** Why the clock stopped running: the condition was met, the time limit was reached, or no event was left. */
export type RunEnd = 'done' | 'time' | 'idle';

/**
 * Virtual time for all machines of a simulation. As a Clock, it shows the true time, which is also central's time. Time stands
 * still while any code can run, and then jumps to the next event.
 */
export interface VirtualClock extends Clock {
  /** Milliseconds since the simulation began. */
  now(): number;
  /**
   * Waits for work outside the simulation (a database, a thread). Time stands still until the work settles. If it never settles,
   * the error message contains the `label`.
   */
  outside<T>(label: string, work: Promise<T>): Promise<T>;
  /** Runs `fire` at `atMs`. Returns a function that cancels it. */
  at(atMs: number, fire: () => void): () => void;
  /** Returns the clock of a machine that boots now with its wall clock at `wallMs`. */
  forMachine(wallMs: number): MachineClock;
  /** Lets time pass until `isDone` returns true, or until `untilMs`. */
  run(isDone: () => boolean, untilMs?: number): Promise<RunEnd>;
  /** Lets `delayMs` pass. */
  advance(delayMs: number): Promise<void>;
  /** Lets time pass until `promise` settles, and settles the same way. Throws if `promise` can never settle. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

/**
 * Number of event loop turns after which only work declared by `outside` can still run. Promise chains take one turn, and web
 * streams and `nextTick` take a second. The third covers the work that these start.
 */
const SETTLE_TURNS = 3;

/** Timeout for outside work, in real time. When it expires, the simulation fails and names the work. */
const OUTSIDE_MAX_MS = 60_000;

/** Maximum number of events at one moment. Real work stays far below this limit; only a loop without a wait reaches it. */
const MOMENT_STEPS_MAX = 100_000;

/** Creates virtual time that begins at `startWallMs`. */
export function createVirtualClock(startWallMs: number): VirtualClock {
  const queue = createDueQueue();
  const outside = createOutside();
  let nowMs = 0;
  let order = 0;
  let stepsNow = 0;
  let isRunning = false;

  const at = (atMs: number, fire: () => void): (() => void) => {
    order += 1;
    const due: Due = { dueMs: Math.max(atMs, nowMs), order, fire };
    queue.push(due);
    return () => queue.remove(due);
  };

  const run = async (isDone: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<RunEnd> => {
    if (isRunning)
      throw new Error('the clock is already running, and code inside the simulation must not run it');
    isRunning = true;
    try {
      return await runOn(isDone, untilMs);
    } finally {
      isRunning = false;
    }
  };

  const runOn = async (isDone: () => boolean, untilMs: number): Promise<RunEnd> => {
    for (;;) {
      await outside.quiet();
      if (isDone()) return 'done';
      const next = queue.peek();
      if (next === undefined || next.dueMs > untilMs) {
        if (untilMs === Number.POSITIVE_INFINITY) return 'idle';
        nowMs = Math.max(nowMs, untilMs);
        return next === undefined ? 'idle' : 'time';
      }
      queue.pop();
      stepsNow = next.dueMs > nowMs ? 0 : stepsNow + 1;
      if (stepsNow > MOMENT_STEPS_MAX)
        throw new Error(`time stands still at ${nowMs} ms: a loop has no wait`);
      nowMs = next.dueMs;
      next.fire();
    }
  };

  const makeClock = (wallMs: number) => createMachineClock({ now: () => nowMs, at }, wallMs);
  const own = makeClock(startWallMs);
  return {
    wall: own.wall,
    monotonic: own.monotonic,
    sleep: own.sleep,
    yield: own.yield,
    now: () => nowMs,
    outside: outside.track,
    at,
    forMachine: makeClock,
    run,
    advance: async (delayMs) => {
      await run(() => false, nowMs + delayMs);
    },
    settle: (promise) => settleIn(promise, run, () => nowMs),
  };
}

/** Runs the clock until `promise` settles. Throws if no event is left that could settle it. */
async function settleIn<T>(promise: Promise<T>, run: VirtualClock['run'], now: () => number): Promise<T> {
  let isSettled = false;
  const watched = promise.finally(() => {
    isSettled = true;
  });
  // The caller receives the rejection from `watched` below. Until then Node must not report it as unhandled.
  watched.catch(() => undefined);
  const end = await run(() => isSettled);
  if (end === 'idle') throw new Error(`no event is left at ${now()} ms, but the promise has not settled`);
  return watched;
}

interface Outside {
  track<T>(label: string, work: Promise<T>): Promise<T>;
  /** Resolves when no outside work remains and no code can run until time passes. */
  quiet(): Promise<void>;
}

function createOutside(): Outside {
  const labels = new Map<symbol, string>();
  let wake: () => void = () => undefined;

  const track = async <T>(label: string, work: Promise<T>): Promise<T> => {
    const key = Symbol(label);
    labels.set(key, label);
    try {
      return await work;
    } finally {
      labels.delete(key);
      wake();
    }
  };

  const someEnd = () =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`outside work does not settle: ${[...labels.values()].join(', ')}`));
      }, OUTSIDE_MAX_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const quiet = async (): Promise<void> => {
    for (;;) {
      for (let turn = 0; turn < SETTLE_TURNS; turn += 1)
        await new Promise((resolve) => setImmediate(resolve));
      if (labels.size === 0) return;
      await someEnd();
    }
  };
  return { track, quiet };
}

/**
 * The duration of a wait on a real timer, in whole milliseconds: at least 1, or 0 if there is nothing to wait for. Rounding a
 * remainder down to 0 would cause an endless loop of waits.
 */
function toTimerMs(delayMs: number): number {
  return delayMs > 0 ? Math.max(1, Math.ceil(delayMs)) : 0;
}

interface Scheduler {
  now(): number;
  at(atMs: number, fire: () => void): () => void;
}

function createMachineClock({ now, at }: Scheduler, wallMs: number): MachineClock {
  const bootedMs = now();
  let wallAheadMs = wallMs - now();
  let stoppedMs: number | undefined;
  const waits = new Set<() => void>();
  const shownMs = () => stoppedMs ?? now();

  const sleep = (delayMs: number, signal?: AbortSignal): Promise<void> => {
    if (stoppedMs !== undefined) return never();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abandon = () => {
        cancel();
        signal?.removeEventListener('abort', abort);
        waits.delete(abandon);
      };
      const abort = () => {
        abandon();
        reject(signal?.reason);
      };
      const cancel = at(now() + toTimerMs(delayMs), () => {
        abandon();
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
      waits.add(abandon);
    });
  };

  return {
    // The branded types state which clock a number was read from. Simulated clocks are read only here.
    wall: () => Math.floor(shownMs() + wallAheadMs) as WallMs,
    monotonic: () => (shownMs() - bootedMs) as MonotonicMs,
    sleep,
    yield: () => sleep(0),
    // The simulated machine runs systemd-timesyncd, which reports its state through a file.
    isSynchronized: async () => false,
    setWall: (newWallMs) => {
      wallAheadMs = newWallMs - now();
    },
    stop: () => {
      stoppedMs ??= now();
      for (const abandon of [...waits]) abandon();
    },
  };
}
