import { Worker } from 'node:worker_threads';

/** Limits of one job. A thread that exceeds one of them is terminated, and the next job gets a new thread. */
export interface JobLimits {
  /** Longest run time of a job, excluding its time in the queue. */
  readonly runMaxMs: number;
  /** Maximum heap of a thread. Buffers do not count. */
  readonly heapMaxMb: number;
}

/** A job's result, with the CPU time that it took. For a job that ended its thread, this is its run time. */
export type JobOutcome<Result> =
  | { readonly kind: 'done'; readonly result: Result; readonly cpuMs: number }
  | { readonly kind: 'exceeded'; readonly limit: 'time' | 'memory'; readonly cpuMs: number }
  /** The thread failed for any reason other than a limit, which is a defect. */
  | { readonly kind: 'failed'; readonly error: Error; readonly cpuMs: number };

/** Threads that run jobs. At most `size` jobs run at the same time; the others wait. */
export interface WorkerPool<Job, Result> {
  /**
   * Runs one job. The buffers in `transfer` are transferred to the thread. The waiting job with the lowest `rank` runs next, and
   * the oldest if ranks are equal. Rejects if the pool is closed or cannot start a thread.
   */
  run(job: Job, transfer: readonly ArrayBuffer[], rank: () => number): Promise<JobOutcome<Result>>;
  /** Terminates all threads. Waiting and running jobs are rejected. */
  close(): Promise<void>;
}

/** A message from a thread: `ready` once, then one answer for each job. */
export type WorkerMessage<Result> =
  { readonly kind: 'ready' } | { readonly kind: 'answer'; readonly result: Result; readonly cpuMs: number };

/** Stack size of a thread, which bounds a job's recursion. */
const STACK_MB = 4;

/** Heap size for short-lived objects. A job creates many of them, and they do not count towards `heapMaxMb`. */
const YOUNG_HEAP_MB = 32;

interface WaitingJob<Job, Result> {
  readonly job: Job;
  readonly transfer: readonly ArrayBuffer[];
  readonly rank: () => number;
  readonly resolve: (outcome: JobOutcome<Result>) => void;
  readonly reject: (error: Error) => void;
}

interface Thread<Job, Result> {
  readonly worker: Worker;
  isReady: boolean;
  running: WaitingJob<Job, Result> | undefined;
  deadline: NodeJS.Timeout | undefined;
  startedMs: number;
}

/** Creates a pool whose threads run `module`, which calls `serveJobs`. Threads are started on demand. */
export function createWorkerPool<Job, Result>(
  module: URL,
  size: number,
  limits: JobLimits,
): WorkerPool<Job, Result> {
  return new ThreadPool(module, size, limits);
}

class ThreadPool<Job, Result> implements WorkerPool<Job, Result> {
  readonly #module: URL;
  readonly #size: number;
  readonly #limits: JobLimits;
  readonly #threads = new Set<Thread<Job, Result>>();
  readonly #queue: WaitingJob<Job, Result>[] = [];
  #isClosed = false;

  constructor(module: URL, size: number, limits: JobLimits) {
    this.#module = module;
    this.#size = size;
    this.#limits = limits;
  }

  run(job: Job, transfer: readonly ArrayBuffer[], rank: () => number): Promise<JobOutcome<Result>> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Error('the worker pool is closed'));
        return;
      }
      this.#queue.push({ job, transfer, rank, resolve, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = new Error('the worker pool is closed');
    for (const waiting of this.#queue.splice(0)) waiting.reject(closed);
    await Promise.all(
      [...this.#threads].map((thread) => {
        this.#drop(thread)?.reject(closed);
        return thread.worker.terminate();
      }),
    );
  }

  #dispatch(): void {
    if (this.#queue.length === 0 || this.#isClosed) return;
    const idle = [...this.#threads].find((thread) => thread.isReady && thread.running === undefined);
    if (idle !== undefined) this.#start(idle, takeNext(this.#queue));
    else if (this.#threads.size < this.#size) this.#openThread();
  }

  #start(thread: Thread<Job, Result>, next: WaitingJob<Job, Result>): void {
    thread.running = next;
    thread.startedMs = performance.now();
    thread.deadline = setTimeout(() => this.#end(thread, 'time'), this.#limits.runMaxMs);
    thread.worker.postMessage(next.job, [...next.transfer]);
  }

  /** Terminates a thread whose job exceeds a limit. */
  #end(thread: Thread<Job, Result>, limit: 'time' | 'memory'): void {
    const running = this.#drop(thread);
    void thread.worker.terminate();
    running?.resolve({ kind: 'exceeded', limit, cpuMs: toRunMs(thread) });
    this.#dispatch();
  }

  /** Removes a thread from the pool and returns the job that it was running. */
  #drop(thread: Thread<Job, Result>): WaitingJob<Job, Result> | undefined {
    const { running } = thread;
    this.#threads.delete(thread);
    clearTimeout(thread.deadline);
    thread.running = undefined;
    return running;
  }

  #openThread(): void {
    const worker = new Worker(this.#module, {
      resourceLimits: {
        maxOldGenerationSizeMb: this.#limits.heapMaxMb,
        maxYoungGenerationSizeMb: YOUNG_HEAP_MB,
        stackSizeMb: STACK_MB,
      },
    });
    // An idle thread must not keep the program running.
    worker.unref();
    const thread: Thread<Job, Result> = {
      worker,
      isReady: false,
      running: undefined,
      deadline: undefined,
      startedMs: 0,
    };
    this.#threads.add(thread);
    worker.on('message', (message: WorkerMessage<Result>) => this.#receive(thread, message));
    worker.on('error', (error: Error) => this.#fail(thread, error));
  }

  #receive(thread: Thread<Job, Result>, message: WorkerMessage<Result>): void {
    if (message.kind === 'ready') thread.isReady = true;
    else {
      clearTimeout(thread.deadline);
      const { running } = thread;
      thread.running = undefined;
      running?.resolve({ kind: 'done', result: message.result, cpuMs: message.cpuMs });
    }
    this.#dispatch();
  }

  #fail(thread: Thread<Job, Result>, error: Error): void {
    if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      this.#end(thread, 'memory');
      return;
    }
    this.#drop(thread)?.resolve({ kind: 'failed', error, cpuMs: toRunMs(thread) });
    // If a thread cannot start, the next job fails, so that threads are not restarted endlessly.
    if (!thread.isReady) this.#queue.shift()?.reject(error);
    this.#dispatch();
  }
}

/** Returns how long a thread's latest job has been running. */
function toRunMs({ startedMs }: { readonly startedMs: number }): number {
  return performance.now() - startedMs;
}

/** Removes and returns the job with the lowest rank, and among equal ranks the oldest. */
function takeNext<Job, Result>(queue: WaitingJob<Job, Result>[]): WaitingJob<Job, Result> {
  let best = 0;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const [index, { rank }] of queue.entries()) {
    const own = rank();
    if (own < bestRank) [best, bestRank] = [index, own];
  }
  const [next] = queue.splice(best, 1);
  if (next === undefined) throw new Error('no job is waiting');
  return next;
}
