import { countPlainDigits, isExactNumber } from '@d3kos/protocol';

/** True for a JSON object. Arrays and numbers kept as text are not objects. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

/**
 * True if any number in the value, written without an exponent, has more than `digitsMax` characters. PostgreSQL's numeric type
 * is limited to 131,072 digits.
 */
export function hasLongerNumber(value: unknown, digitsMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (isExactNumber(value)) return countPlainDigits(value.rawJSON) > digitsMax;
  return Object.values(value).some((inner) => hasLongerNumber(inner, digitsMax));
}

/** True if arrays and objects nest deeper than `levelsMax`. The check's own recursion stops at that depth. */
export function isNestedDeeper(value: unknown, levelsMax: number): boolean {
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return false;
  if (levelsMax === 0) return true;
  return Object.values(value).some((inner) => isNestedDeeper(inner, levelsMax - 1));
}

/**
 * Returns JSON text with the keys of every object sorted, so that equal values have equal text. NUL and lone surrogates, which
 * PostgreSQL's jsonb refuses, become U+FFFD. The value must not nest deeply (see isNestedDeeper).
 */
export function toCanonicalJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(toStorableText(value));
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(toStorableText(key))}:${toCanonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}

/** Returns text that PostgreSQL can store: NUL and lone surrogates become U+FFFD. */
export function toStorableText(text: string): string {
  // Nearly every string passes the first check, which copies nothing.
  if (text.isWellFormed() && !text.includes('\u0000')) return text;
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}
