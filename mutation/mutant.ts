/** One deliberate fault: a line of the product as it would be if somebody had not thought. The suite must notice it. */
export interface Mutant {
  /** Says what is wrong then; unique in the list. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Text that stands exactly once in the file: a list that does not follow the code is told, not skipped. */
  readonly before: string;
  readonly after: string;
  /** Test files from the root of the repository, the quickest that notice it. */
  readonly killedBy: readonly string[];
}

/** A file's text with the mutant in it, or how often its place is there when that is not once. */
export type Mutated =
  | { readonly kind: 'mutated'; readonly text: string }
  | { readonly kind: 'misplaced'; readonly times: number };

/** Puts a mutant into the text of its file. */
export function mutateText(text: string, { before, after }: Mutant): Mutated {
  const [head = '', tail, ...more] = text.split(before);
  if (tail === undefined || more.length > 0)
    return { kind: 'misplaced', times: tail === undefined ? 0 : 1 + more.length };
  return { kind: 'mutated', text: `${head}${after}${tail}` };
}
