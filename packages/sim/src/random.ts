import { createHash } from 'node:crypto';
import type { Random } from '../../boat/src/platform/ports.ts';

/** A source of random numbers that are the same for the same seed on every machine. */
export interface SimRandom extends Random {
  /** Returns an integer in [0, below). */
  integer(below: number): number;
  /** Returns an integer from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** Returns true with the given probability. */
  bool(probability: number): boolean;
  /** Returns one of `items`, each with the same probability. Throws if `items` is empty. */
  pick<T>(items: readonly T[]): T;
  /** Returns a separate sequence that depends only on the seed and `name`. Draws from one sequence do not affect the other. */
  fork(name: string): SimRandom;
}

/** 2^32, the number of values that one generator step can produce. */
const STEP_VALUES = 2 ** 32;

/** Creates an sfc32 generator (Doty-Humphrey), seeded with a digest of `seed`. It is small and fast and passes PractRand. */
export function createSimRandom(seed: string | number): SimRandom {
  const step = createSteps(String(seed));
  const random: SimRandom = {
    // Two steps give 53 bits, the precision of a double.
    fraction: () => ((step() >>> 5) * 2 ** 26 + (step() >>> 6)) / 2 ** 53,
    hex: (length) => {
      let text = '';
      for (let index = 0; index < length; index += 1) text += (step() >>> 24).toString(16).padStart(2, '0');
      return text;
    },
    integer: (below) => Math.floor((step() / STEP_VALUES) * below),
    between: (from, to) => from + random.integer(to - from + 1),
    bool: (probability) => random.fraction() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      // The index is below the length, so the item exists. T itself may include undefined.
      return items[random.integer(items.length)] as (typeof items)[number];
    },
    fork: (name) => createSimRandom(`${seed}/${name}`),
  };
  return random;
}

function createSteps(seed: string): () => number {
  const digest = createHash('sha256').update(seed).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
}

/** Returns a number between the two. Every order of magnitude has the same probability. */
export function spread(random: SimRandom, from: number, to: number): number {
  return Math.round(from * (to / from) ** random.fraction());
}
