import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { WorkerMessage } from './worker-pool.ts';

/** The result of a job in a thread, and the buffers to transfer to the main thread. */
export interface JobResult<Result> {
  readonly result: Result;
  readonly transfer: readonly ArrayBuffer[];
}

/** Runs the jobs that a WorkerPool sends to this thread. If `work` throws, the thread ends. */
export function serveJobs<Job, Result>(work: (job: Job) => JobResult<Result>): void {
  if (parentPort === null) throw new Error('this module runs in a thread of a WorkerPool');
  const port = parentPort;
  yieldToMainThread();
  const send = (message: WorkerMessage<Result>, transfer: readonly ArrayBuffer[] = []) =>
    port.postMessage(message, [...transfer]);
  port.on('message', (job: Job) => {
    const before = process.threadCpuUsage();
    const { result, transfer } = work(job);
    const { user, system } = process.threadCpuUsage(before);
    send({ kind: 'answer', result, cpuMs: (user + system) / 1_000 }, transfer);
  });
  send({ kind: 'ready' });
}

/**
 * Niceness of a thread. A thread with this priority gets about a third of a core when it competes with the main thread or the
 * database.
 */
const THREAD_NICENESS = 5;

/**
 * Lowers this thread's priority, so that large bodies do not delay the main thread's answers. On Linux, each thread has its own
 * priority, like a process.
 */
function yieldToMainThread(): void {
  if (process.platform !== 'linux') return;
  const threadId = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  setPriority(threadId, THREAD_NICENESS);
}
