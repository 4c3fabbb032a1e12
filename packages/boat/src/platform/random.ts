import { randomBytes } from 'node:crypto';
import type { Random } from './ports.ts';

/** Number of bits that a double represents exactly in a fraction in [0, 1). */
const FRACTION_BITS = 53;

/** Creates a source of random numbers that uses the operating system's generator. */
export function createRandom(): Random {
  return {
    fraction: () => {
      const bits = randomBytes(8).readBigUInt64BE() >> BigInt(64 - FRACTION_BITS);
      return Number(bits) / 2 ** FRACTION_BITS;
    },
    hex: (length) => randomBytes(length).toString('hex'),
  };
}
