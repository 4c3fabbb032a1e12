/** A deliberate fault in the product, which the tests must detect. */
export interface Mutant {
  /** Describes how the mutated product misbehaves. Names are unique. */
  readonly name: string;
  /** Path from the root of the repository. */
  readonly file: string;
  /** Text that occurs exactly once in the file. A mutant whose text is missing is an error, and is not skipped. */
  readonly before: string;
  readonly after: string;
  /** The fastest test files that detect the fault, as paths from the root of the repository. */
  readonly killedBy: readonly string[];
}

/** The text of the mutated file, or the number of occurrences of the original text if it does not occur exactly once. */
export type Mutated =
  | { readonly kind: 'mutated'; readonly text: string }
  | { readonly kind: 'misplaced'; readonly times: number };

/** Applies a mutant to its file's text. */
export function mutateText(text: string, { before, after }: Mutant): Mutated {
  const [head = '', tail, ...more] = text.split(before);
  if (tail === undefined || more.length > 0)
    return { kind: 'misplaced', times: tail === undefined ? 0 : 1 + more.length };
  return { kind: 'mutated', text: `${head}${after}${tail}` };
}
