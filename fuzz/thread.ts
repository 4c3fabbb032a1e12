// The thread that fuzzes one target. The main thread terminates it if it hangs.
import { parentPort, workerData } from 'node:worker_threads';
import { readCorpus } from './corpus.ts';
import { startCoverage } from './coverage.ts';
import { fuzzTarget } from './fuzz-target.ts';
import type { ThreadTask } from './run-targets.ts';
import { TARGETS } from './targets.ts';

// `run-targets.ts` starts this file and passes the task.
const { name, seed, seconds, currentInput } = workerData as ThreadTask;
const target = TARGETS.find((each) => each.name === name);
if (target === undefined) throw new Error(`There is no target ${name}.`);
const header = new Int32Array(currentInput, 0, 2);
const room = new Uint8Array(currentInput, header.byteLength);
const endsAtMs = performance.now() + seconds * 1_000;
const result = await fuzzTarget(target, {
  seed,
  corpus: readCorpus(name).map(({ bytes }) => bytes),
  coverage: await startCoverage(),
  onInput(input) {
    const kept = input.subarray(0, room.length);
    room.set(kept);
    header[0] = kept.length;
    // Counts the inputs. If the count does not change, the thread hangs.
    Atomics.add(header, 1, 1);
  },
  mayContinue: () => performance.now() < endsAtMs,
});
parentPort?.postMessage(result);
