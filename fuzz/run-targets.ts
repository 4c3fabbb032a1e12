import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Finding, FuzzFacts } from './fuzz-target.ts';

/** Size of the buffer where a thread stores its current input. The largest growing string needs 64 KiB. */
const CURRENT_INPUT_SIZE_BYTES = 131_072;
/** Memory limit of a thread. The boat's daemon has 512 MB for all of its work, and inputs have at most 64 KiB. */
const HEAP_MAX_MB = 192;
/** A thread counts as hanging after this time without a new input. One input takes milliseconds. */
const HANG_MAX_MS = 30_000;
/** Longest time until the first input. Loading the code takes seconds, or minutes on a busy machine. */
const LOAD_MAX_MS = 300_000;
const LOOK_EVERY_MS = 500;

/**
 * A thread's start parameters. `currentInput` contains the length of the current input, the number of inputs, and the current
 * input's bytes.
 */
export interface ThreadTask {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
  readonly currentInput: SharedArrayBuffer;
}

/** The result of fuzzing one target. The counts are unknown if the thread was terminated. */
export interface TargetReport {
  readonly target: string;
  readonly seconds: number;
  readonly facts: FuzzFacts | undefined;
  readonly finding: Finding | undefined;
}

/** Fuzzes each target for its share of `seconds`, one after the other. Yields a report for each. */
export async function* runTargets(
  targets: readonly string[],
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
): AsyncGenerator<TargetReport, void, void> {
  for (const target of targets) yield await runTarget(target, seconds / targets.length, seed);
}

async function runTarget(name: string, seconds: number, seed: number): Promise<TargetReport> {
  const currentInput = new SharedArrayBuffer(CURRENT_INPUT_SIZE_BYTES);
  const header = new Int32Array(currentInput, 0, 2);
  const task: ThreadTask = { name, seed, seconds, currentInput };
  const worker = new Worker(join(import.meta.dirname, 'thread.ts'), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
    execArgv: ['--conditions=development', '--disable-warning=ExperimentalWarning'],
  });
  const beganMs = performance.now();
  const toReport = (given: Pick<TargetReport, 'facts' | 'finding'>): TargetReport => ({
    target: name,
    seconds: (performance.now() - beganMs) / 1_000,
    ...given,
  });
  const stopping = new AbortController();
  try {
    const result = await Promise.race([
      // The thread sends no other messages.
      once(worker, 'message', { signal: stopping.signal }).then(
        ([message]) => message as Pick<TargetReport, 'facts' | 'finding'>,
      ),
      watch(header, stopping.signal),
    ]);
    return toReport(result);
  } catch (error) {
    const input = Uint8Array.from(new Uint8Array(currentInput, header.byteLength, header[0]));
    return toReport({ facts: undefined, finding: { target: name, reason: String(error), input } });
  } finally {
    stopping.abort();
    await worker.terminate();
  }
}

/** Rejects if the input count has not changed for HANG_MAX_MS, or is still 0 after LOAD_MAX_MS. */
async function watch(header: Int32Array, signal: AbortSignal): Promise<never> {
  let count = -1;
  let sinceMs = performance.now();
  for (;;) {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
    const now = Atomics.load(header, 1);
    if (now !== count) {
      count = now;
      sinceMs = performance.now();
    } else if (now > 0 && performance.now() - sinceMs > HANG_MAX_MS)
      throw new Error(`one input took more than ${HANG_MAX_MS / 1_000} s`);
    else if (now === 0 && performance.now() - sinceMs > LOAD_MAX_MS)
      throw new Error(`the code was not loaded after ${LOAD_MAX_MS / 1_000} s`);
  }
}
