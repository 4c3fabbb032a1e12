import type fc from 'fast-check';

/** A parser of bytes from outside, with what must hold for every input. */
export interface Target {
  /** Name of the target and of its folder in `fuzz/corpus`. */
  readonly name: string;
  /** Inputs with the grammar of the format, or close to it. */
  readonly generate: fc.Arbitrary<Uint8Array>;
  /** Words of the format. They are inserted into other inputs and repeated to find super-linear work. */
  readonly words: readonly string[];
  /** Parses one input. Throws or rejects if an invariant does not hold. */
  check(bytes: Uint8Array): void | Promise<void>;
}
