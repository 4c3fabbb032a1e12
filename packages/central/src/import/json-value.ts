/** Functions of ES2026 (JSON.parse source text access) that TypeScript's library does not declare yet. */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}

// Node 24 has these functions; only their types are missing.
const sourceTextJson = JSON as unknown as SourceTextJson;

/**
 * Parses JSON and keeps the text of integers that a JavaScript number would round, for example a record id beyond 2^53. It takes
 * several times as long as JSON.parse. Throws SyntaxError.
 */
export function parseExactJson(text: string): unknown {
  return sourceTextJson.parse(text, (_key, value, { source }) =>
    typeof value === 'number' &&
    source !== undefined &&
    /^-?\d+$/.test(source) &&
    !Number.isSafeInteger(value)
      ? sourceTextJson.rawJSON(source)
      : value,
  );
}

/** True for a JSON object: neither an array nor an integer kept as text. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !sourceTextJson.isRawJSON(value)
  );
}

/** True if any number in the value has more than `digitsMax` characters. PostgreSQL's numeric type ends at 131,072 digits. */
export function hasLongerNumber(value: unknown, digitsMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (sourceTextJson.isRawJSON(value)) return value.rawJSON.length > digitsMax;
  return Object.values(value).some((inner) => hasLongerNumber(inner, digitsMax));
}

/** True if arrays and objects nest deeper than `levelsMax`. Its own recursion stops at that depth. */
export function isNestedDeeper(value: unknown, levelsMax: number): boolean {
  if (typeof value !== 'object' || value === null || sourceTextJson.isRawJSON(value)) return false;
  if (levelsMax === 0) return true;
  return Object.values(value).some((inner) => isNestedDeeper(inner, levelsMax - 1));
}

/**
 * Returns JSON text with the keys of every object sorted, so that equal values have equal text. NUL and lone surrogates, which
 * PostgreSQL's jsonb refuses, become U+FFFD. The value must not nest deeply (see isNestedDeeper).
 */
export function toCanonicalJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(toStorableText(value));
  if (typeof value !== 'object' || value === null || sourceTextJson.isRawJSON(value))
    return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(toStorableText(key))}:${toCanonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}

/** Returns text that PostgreSQL can store: NUL and lone surrogates become U+FFFD. */
export function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}
