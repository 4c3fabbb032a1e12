/**
 * Maximum number of characters in one key of the name index. Keys of three characters are selective enough to find part of a
 * name, and few enough for a small index.
 */
const GRAM_LENGTH_MAX = 3;

/**
 * Returns every distinct run of 1 to 3 characters of a lower-case name, as `boat_names` holds them. A GIN index on them can find
 * part of a name on every PostgreSQL server, even without the pg_trgm extension.
 */
export function toNameGrams(nameKey: string): readonly string[] {
  const lengths = Array.from({ length: GRAM_LENGTH_MAX }, (_, index) => index + 1);
  return [...new Set(lengths.flatMap((length) => toRuns(nameKey, length)))];
}

/**
 * Returns the keys that every name containing this lower-case text has. If the text is longer than a key, the name itself must be
 * compared as well.
 */
export function toSearchGrams(text: string): readonly string[] {
  return [...new Set(toRuns(text, Math.min([...text].length, GRAM_LENGTH_MAX)))];
}

function toRuns(text: string, length: number): readonly string[] {
  const characters = [...text];
  return characters
    .slice(0, characters.length - length + 1)
    .map((_, at) => characters.slice(at, at + length).join(''));
}
