import { parentPort } from 'node:worker_threads';
import type { WorkerMessage } from './worker-pool.ts';

/** The result of a job in a thread, with the buffers that move to the main thread. */
export interface JobResult<Result> {
  readonly result: Result;
  readonly transfer: readonly ArrayBuffer[];
}

/** Runs the jobs that a WorkerPool sends to this thread. An error of `work` ends the thread. */
export function serveJobs<Job, Result>(work: (job: Job) => JobResult<Result>): void {
  if (parentPort === null) throw new Error('this module runs in a thread of a WorkerPool');
  const port = parentPort;
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
