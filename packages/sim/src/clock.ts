import type { Clock, MonotonicMs, WallMs } from '../../boat/src/platform/ports.ts';
import { createDueQueue, type Due } from './clock-queue.ts';
import { never } from './power.ts';

/** The clock of one boot of one machine: its wall may be wrong and jump, its waits end with its power. */
export interface MachineClock extends Clock {
  /** Sets the wall clock, as NTP or a person does. Waits do not notice. */
  setWall(wallMs: number): void;
  /** Power is gone: no wait of this clock ends any more, not by an abort either. */
  stop(): void;
}

/** How a run of the clock ended: its condition held, its time was reached, or nothing is left to wait for. */
export type RunEnd = 'done' | 'time' | 'idle';

/**
 * Virtual time for all machines of a simulation. Its own Clock shows the true time (central's).
 * Time stands still while anything can still run, and then moves straight to the next thing due.
 */
export interface VirtualClock extends Clock {
  /** Milliseconds since the simulation began. */
  now(): number;
  /** Work of the real world (a database, a thread): time stands still until it settles. `label` names it if it never does. */
  outside<T>(label: string, work: Promise<T>): Promise<T>;
  /** Runs `fire` at `atMs`; gives a function that takes it back. */
  at(atMs: number, fire: () => void): () => void;
  /** The clock of a machine that boots now and believes that it is `wallMs`. */
  forMachine(wallMs: number): MachineClock;
  /** Lets time pass until `isDone`, at the latest until `untilMs`. */
  run(isDone: () => boolean, untilMs?: number): Promise<RunEnd>;
  /** Lets `delayMs` pass with everything that happens in it. */
  advance(delayMs: number): Promise<void>;
  /** Lets time pass until `promise` settles, and gives what it gives. Throws where it never will. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

/**
 * Turns of the event loop after which nothing runs any more that is not declared by `outside`: promise chains take
 * one, web streams and `nextTick` a second; the third is for what those start.
 */
const SETTLE_TURNS = 3;

/** Longest that work outside may take in real time before the simulation says who hangs. */
const OUTSIDE_MAX_MS = 60_000;

/** Most things that may happen at one moment: far above any real work of a step, so a loop without a wait is found. */
const MOMENT_STEPS_MAX = 100_000;

/** Virtual time that begins at `startWallMs`. */
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
    if (isRunning) throw new Error('time is already being moved; what happens in it must not move it');
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
        throw new Error(`time stands still at ${nowMs} ms: something loops without a wait`);
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
    settle: async (promise) => {
      let isSettled = false;
      const watched = promise.finally(() => {
        isSettled = true;
      });
      // The failure is the caller's, by `watched` below; here it must only not count as unhandled meanwhile.
      watched.catch(() => undefined);
      const end = await run(() => isSettled);
      if (end === 'idle')
        throw new Error(`nothing is left to wait for at ${nowMs} ms, and it has not settled`);
      return watched;
    },
  };
}

interface Outside {
  track<T>(label: string, work: Promise<T>): Promise<T>;
  /** Resolves when no work is outside and nothing inside can run without time passing. */
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
        reject(new Error(`outside work hangs: ${[...labels.values()].join(', ')}`));
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
 * How long a timer of the real clock takes for a wait: whole milliseconds and at least one, so that what is left of a
 * wait after rounding is waited for and not asked about for ever.
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
        takeBack();
        signal?.removeEventListener('abort', abort);
        waits.delete(abandon);
      };
      const abort = () => {
        abandon();
        reject(signal?.reason);
      };
      const takeBack = at(now() + toTimerMs(delayMs), () => {
        abandon();
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
      waits.add(abandon);
    });
  };

  return {
    // The brands say which clock a number was read from; here, and only here, is where it is read.
    wall: () => Math.floor(shownMs() + wallAheadMs) as WallMs,
    monotonic: () => (shownMs() - bootedMs) as MonotonicMs,
    sleep,
    yield: () => sleep(0),
    // The time service of a simulated machine is systemd-timesyncd, which says it by a file.
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
