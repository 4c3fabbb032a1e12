/** JavaScript writes smaller numbers with an exponent, and PostgreSQL without one. */
const EXPONENT_FREE_MIN = 1e-6;

/**
 * Returns the size in bytes of the text that PostgreSQL writes for a jsonb value (`octet_length(record::text)`), or undefined
 * if PostgreSQL might write a number differently. `json` is the JSON text of `value`, which comes from a plain document (see
 * `DocumentScan`). PostgreSQL writes the same characters with a space after each comma and each colon. Counting in the database
 * would make PostgreSQL write the text of every record (decision 0051).
 */
export function toStoredBytes(value: unknown, json: string): number | undefined {
  const separators = countSeparators(value);
  return separators === undefined ? undefined : Buffer.byteLength(json) + separators;
}

/** Returns the number of commas and colons outside strings, or undefined for a number below EXPONENT_FREE_MIN. */
function countSeparators(value: unknown): number | undefined {
  if (typeof value === 'number') return value !== 0 && Math.abs(value) < EXPONENT_FREE_MIN ? undefined : 0;
  if (typeof value !== 'object' || value === null) return 0;
  const members: readonly unknown[] = Object.values(value);
  if (members.length === 0) return 0;
  let count = (Array.isArray(value) ? 1 : 2) * members.length - 1;
  for (const member of members) {
    const inner = countSeparators(member);
    if (inner === undefined) return undefined;
    count += inner;
  }
  return count;
}
