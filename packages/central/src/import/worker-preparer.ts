import type { DecodedBody } from './decode-body.ts';
import type { PartToPrepare, Preparation } from './prepare-part.ts';
import type { BodyToDecode, Preparer, Worked } from './preparer.ts';
import { createWorkerPool, type JobOutcome } from '../platform/worker-pool.ts';

/**
 * Longest time to decode or prepare one body. The largest body within the limits takes 1.5 s on a quiet machine. A boat drops the
 * connection after 30 s of silence.
 */
const RUN_MAX_MS = 10_000;

/** Heap of one thread: a whole process that checked 32 MB with 99,000 records used 460 MB, including buffers. */
const HEAP_MAX_MB = 512;

/** A job for one of the preparer's threads. */
export type PrepareJob =
  | { readonly kind: 'decode'; readonly body: BodyToDecode }
  | { readonly kind: 'prepare'; readonly part: PartToPrepare };
/** The result of a job, of the same kind. */
export type PrepareResult =
  | { readonly kind: 'decode'; readonly body: DecodedBody }
  | { readonly kind: 'prepare'; readonly preparation: Preparation };

/** A preparer with threads. */
export interface WorkerPreparer extends Preparer {
  close(): Promise<void>;
}

/**
 * Creates a preparer that uses `threads` threads, each with a time limit and a memory limit. It takes ownership of the bytes
 * passed to it.
 */
export function createWorkerPreparer(threads: number): WorkerPreparer {
  // Whether the program runs from sources (.ts), from the build (.js) or from a bundle (.mjs), the worker thread's module is in
  // the same folder.
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const pool = createWorkerPool<PrepareJob, PrepareResult>(
    new URL(`./prepare-thread${extension}`, import.meta.url),
    threads,
    { runMaxMs: RUN_MAX_MS, heapMaxMb: HEAP_MAX_MB },
  );
  return {
    async decode(body, rank) {
      const bytes = toOwnBytes(body.bytes);
      const job = { kind: 'decode', body: { ...body, bytes } } as const;
      return toWorked(await pool.run(job, [bytes.buffer], rank), (result) =>
        result.kind === 'decode' ? result.body : undefined,
      );
    },
    async prepare(part, rank) {
      const bytes = toOwnBytes(part.bytes);
      const job = { kind: 'prepare', part: { ...part, bytes } } as const;
      return toWorked(await pool.run(job, [bytes.buffer], rank), (result) =>
        result.kind === 'prepare' ? result.preparation : undefined,
      );
    },
    close: () => pool.close(),
  };
}

/** Returns bytes that own their buffer, as a transfer to another thread requires. */
export function toOwnBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

function toWorked<Result>(
  outcome: JobOutcome<PrepareResult>,
  pick: (result: PrepareResult) => Result | undefined,
): Worked<Result> {
  if (outcome.kind !== 'done') return outcome;
  const result = pick(outcome.result);
  if (result === undefined) throw new Error('the thread answered with the result of a different job');
  return { kind: 'done', result, cpuMs: outcome.cpuMs };
}
