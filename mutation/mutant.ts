/** One deliberate fault in the product. The tests must notice it. */
export interface Mutant {
  /** Describes what the mutated product does wrong. Unique in the list. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Text that occurs exactly once in the file. A mutant whose text is missing is an error and is not skipped. */
  readonly before: string;
  readonly after: string;
  /** The quickest test files that notice it, from the root of the repository. */
  readonly killedBy: readonly string[];
}

/** The text of the mutated file, or how often the original text occurs if not once. */
export type Mutated =
  | { readonly kind: 'mutated'; readonly text: string }
  | { readonly kind: 'misplaced'; readonly times: number };

/** Applies a mutant to the text of its file. */
export function mutateText(text: string, { before, after }: Mutant): Mutated {
  const [head = '', tail, ...more] = text.split(before);
  if (tail === undefined || more.length > 0)
    return { kind: 'misplaced', times: tail === undefined ? 0 : 1 + more.length };
  return { kind: 'mutated', text: `${head}${after}${tail}` };
}
