import fc from 'fast-check';
import type { Coverage } from './coverage.ts';
import { createGrowingTexts, findSuperLinearWork, toBytes } from './growth.ts';
import { createMutations } from './mutate-bytes.ts';
import type { Target } from './target.ts';

/**
 * Number of inputs between two coverage readings. Each reading takes a few milliseconds. If a reading shows new code,
 * these inputs are added to the pool.
 */
const BATCH_INPUTS = 24;
/** Number of batches with the same pool. fast-check shrinks a failing input with the pool that produced it. */
const ROUND_BATCHES = 10;
/** Maximum number of growing strings that are checked after each round. They take at most as long as the round. */
const ROUND_GROWTHS = 15;
/** Maximum number of inputs in the pool. The oldest are removed first, but never those of the corpus. */
const POOL_INPUTS_MAX = 2_000;
/** Size of the growing string that is stored with a finding. */
const FINDING_SIZE_BYTES = 65_536;

/** An input that violates an invariant. */
export interface Finding {
  readonly target: string;
  readonly reason: string;
  readonly input: Uint8Array;
}

/** A run's progress. */
export interface FuzzFacts {
  readonly executions: number;
  readonly growths: number;
  /** Number of inputs in the pool: those of the corpus, and those that reached new code. */
  readonly pool: number;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly corpus: readonly Uint8Array[];
  readonly coverage: Coverage;
  /** Called before each input, so that an input that causes a hang can be identified. */
  readonly onInput: (input: Uint8Array) => void;
  /** False when the time is up. */
  readonly mayContinue: () => boolean;
}

/**
 * Feeds inputs to a target until the time is up or an invariant fails: inputs of its grammar, mutations of inputs that reached
 * new code, and growing strings. Two runs with the same seed can differ in length, because a run ends after a given time.
 */
export async function fuzzTarget(
  target: Target,
  { seed, corpus, coverage, onInput, mayContinue }: FuzzOptions,
): Promise<{ readonly facts: FuzzFacts; readonly finding: Finding | undefined }> {
  let executions = 0;
  let growths = 0;
  const kept: Uint8Array[] = [];
  const toFacts = (): FuzzFacts => ({ executions, growths, pool: corpus.length + kept.length });
  const check = async (input: Uint8Array): Promise<void> => {
    onInput(input);
    executions += 1;
    await target.check(input);
  };
  for (let round = 0; mayContinue(); round += 1) {
    const pool = [...corpus, ...kept];
    const beganMs = performance.now();
    const inputs =
      pool.length === 0 ? target.generate : fc.oneof(target.generate, createMutations(pool, target.words));
    for (let batch = 0; batch < ROUND_BATCHES && mayContinue(); batch += 1) {
      const fresh: Uint8Array[] = [];
      const details = await fc.check(
        fc.asyncProperty(inputs, async (input) => {
          if (fresh.length < BATCH_INPUTS) fresh.push(input);
          await check(input);
        }),
        { seed: seed + round * ROUND_BATCHES + batch, numRuns: BATCH_INPUTS },
      );
      if (details.failed) {
        const [input = new Uint8Array()] = details.counterexample ?? [];
        const reason = String(details.errorInstance);
        return { facts: toFacts(), finding: { target: target.name, reason, input } };
      }
      if ((await coverage.takeNew()) > 0 && round + batch > 0) kept.push(...fresh);
      if (kept.length > POOL_INPUTS_MAX) kept.splice(0, kept.length - POOL_INPUTS_MAX);
    }
    const growthsUntilMs = 2 * performance.now() - beganMs;
    for (const text of fc.sample(createGrowingTexts(target.words), {
      seed: seed + round,
      numRuns: ROUND_GROWTHS,
    })) {
      if (!mayContinue() || performance.now() > growthsUntilMs) break;
      const input = toBytes(text, FINDING_SIZE_BYTES);
      onInput(input);
      growths += 1;
      const reason = await findSuperLinearWork(target, text).catch(String);
      if (reason !== undefined) return { facts: toFacts(), finding: { target: target.name, reason, input } };
    }
  }
  return { facts: toFacts(), finding: undefined };
}
