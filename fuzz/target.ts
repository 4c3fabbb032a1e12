import type fc from 'fast-check';

/** A parser of external bytes, with the invariants for every input. */
export interface Target {
  /** Name of the target and of its folder in `fuzz/corpus`. */
  readonly name: string;
  /** Inputs that follow the format's grammar, or almost follow it. */
  readonly generate: fc.Arbitrary<Uint8Array>;
  /** Words of the format. They are inserted into other inputs and repeated to find super-linear work. */
  readonly words: readonly string[];
  /** Parses one input. Throws or rejects if the input violates an invariant. */
  check(bytes: Uint8Array): void | Promise<void>;
}
