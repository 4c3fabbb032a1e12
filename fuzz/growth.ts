import fc from 'fast-check';
import type { Target } from './target.ts';

/** Size of the smaller input. Quadratic work on the larger one takes at least a second. */
const SMALL_SIZE_BYTES = 16_384;
/** Size ratio of the larger to the smaller input. */
const SIZE_RATIO = 4;
/** If the larger input takes less CPU time than this, the input is not compared. Linear parsers take less than 10 ms. */
const QUICK_MS = 40;
/**
 * Ratio of CPU times above which work is not linear. Linear work has a ratio of 4, quadratic work of 16. Code compilation and
 * garbage collection make individual measurements inaccurate.
 */
const TIME_RATIO_MAX = 9;
/** Number of measurements of each size. The shortest one is used, because other work can only make a measurement longer. */
const MEASUREMENTS = 3;
/** Number of comparisons, all of which must fail. */
const COMPARISONS = 3;

/** A growing string: `start`, then `unit` as many times as it fits, then `end`. */
export interface GrowingText {
  readonly start: string;
  readonly unit: string;
  readonly end: string;
}

/** Growing strings that repeat one or two words of the target's format, or a short string. */
export function createGrowingTexts(words: readonly string[]): fc.Arbitrary<GrowingText> {
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...words) },
    { weight: 1, arbitrary: fc.string({ maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(' ', '\t', '"', '\\', '\n', '\r', '\0', '0', '.', '-', 'a', '=', ':'),
    },
  );
  const text = fc.array(word, { maxLength: 2 }).map((list) => list.join(''));
  return fc.record({ start: text, unit: text.filter((unit) => unit !== ''), end: text });
}

/**
 * Compares an input's CPU time with that of an input four times as large. Returns a description if the time grows faster than the
 * size in every comparison. Rejects if an input violates one of the target's invariants.
 */
export async function findSuperLinearWork(target: Target, text: GrowingText): Promise<string | undefined> {
  const large = toBytes(text, SMALL_SIZE_BYTES * SIZE_RATIO);
  if ((await measure(target, large)) < QUICK_MS) return undefined;
  const small = toBytes(text, SMALL_SIZE_BYTES);
  let described = '';
  for (let compared = 0; compared < COMPARISONS; compared += 1) {
    const smallMs = await measureBest(target, small);
    const largeMs = await measureBest(target, large);
    if (largeMs < QUICK_MS || largeMs < smallMs * TIME_RATIO_MAX) return undefined;
    described = `${small.length} bytes take ${smallMs.toFixed(1)} ms, ${large.length} bytes take ${largeMs.toFixed(1)} ms`;
  }
  return `the time is not linear in the size: ${described}, for ${JSON.stringify(text)}`;
}

/** The growing string, repeated to about `sizeBytes` bytes. */
export function toBytes({ start, unit, end }: GrowingText, sizeBytes: number): Uint8Array {
  return Buffer.from(start + unit.repeat(Math.ceil(sizeBytes / Buffer.byteLength(unit))) + end, 'utf8');
}

async function measureBest(target: Target, bytes: Uint8Array): Promise<number> {
  let best = Infinity;
  for (let measured = 0; measured < MEASUREMENTS; measured += 1)
    best = Math.min(best, await measure(target, bytes));
  return best;
}

/** CPU time of this thread, in milliseconds. Wall-clock time would depend on other work on the machine. */
async function measure(target: Target, bytes: Uint8Array): Promise<number> {
  const before = process.threadCpuUsage();
  await target.check(bytes);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
