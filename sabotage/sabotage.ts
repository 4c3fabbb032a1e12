/** One deliberate fault: a line of the product as it would be if somebody had not thought. The suite must notice it. */
export interface Sabotage {
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

/** A file's text with the sabotage in it, or how often its place is there when that is not once. */
export type Sabotaged =
  | { readonly kind: 'sabotaged'; readonly text: string }
  | { readonly kind: 'misplaced'; readonly times: number };

/** Puts a sabotage into the text of its file. */
export function sabotageText(text: string, { before, after }: Sabotage): Sabotaged {
  const [head = '', tail, ...more] = text.split(before);
  if (tail === undefined || more.length > 0)
    return { kind: 'misplaced', times: tail === undefined ? 0 : 1 + more.length };
  return { kind: 'sabotaged', text: `${head}${after}${tail}` };
}
