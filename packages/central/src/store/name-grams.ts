/**
 * Maximum number of characters in one key of the index of names. Keys of three characters find part of a name precisely
 * enough, and there are few of them.
 */
const GRAM_LENGTH_MAX = 3;

/**
 * Returns every run of 1 to 3 characters of a name in lower case, each once, as `boat_names` holds them. A GIN index on them finds a part
 * of a name in every PostgreSQL, also one without the extension pg_trgm.
 */
export function toNameGrams(nameKey: string): readonly string[] {
  const lengths = Array.from({ length: GRAM_LENGTH_MAX }, (_, index) => index + 1);
  return [...new Set(lengths.flatMap((length) => toRuns(nameKey, length)))];
}

/** Returns the keys that a name has if it contains this text in lower case. A longer text is compared with the name as well. */
export function toSearchGrams(text: string): readonly string[] {
  return [...new Set(toRuns(text, Math.min([...text].length, GRAM_LENGTH_MAX)))];
}

function toRuns(text: string, length: number): readonly string[] {
  const characters = [...text];
  return characters
    .slice(0, characters.length - length + 1)
    .map((_, at) => characters.slice(at, at + length).join(''));
}
