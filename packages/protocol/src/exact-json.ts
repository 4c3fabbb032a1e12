/** Functions of ES2026 (JSON.parse source text access) that TypeScript's library does not declare yet. */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}

// Node 24 has these functions; only their types are missing.
const sourceTextJson = JSON as unknown as SourceTextJson;

/** A number that JavaScript cannot represent exactly, kept as its JSON text. `JSON.stringify` writes that text. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/**
 * Patterns for a number that JavaScript may change: eight consecutive digits (which every number of 16 digits contains), an
 * exponent of three digits, or a negative zero. Three simple searches are several times faster than one exact pattern, and most
 * strings match none of them.
 */
const SIGNS = [/\d{8}/, /\d[eE][+-]?\d{3}/, /-0[^\d]|-0$/] as const;

/** Matches text that may be such a number. It also matches text within strings, which costs time but changes nothing. */
const CANDIDATE =
  /-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]{0,14}[eE][+-]?\d{3,}|(?<![\w.-])-0(?!\d)[\d.]*(?:[eE][+-]?\d+)?/g;

/**
 * Parses JSON. A number that JavaScript cannot represent exactly becomes an `ExactNumber`: an integer beyond 2^53, more than 17
 * digits, `1e400`, `-0`. Throws SyntaxError for invalid JSON, and RangeError for text that nests thousands of levels deep.
 */
export function parseExactJson(text: string): unknown {
  if (!mayNeedText(text)) return JSON.parse(text);
  return sourceTextJson.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isExact(source)
      ? sourceTextJson.rawJSON(source)
      : value,
  );
}

function mayNeedText(text: string): boolean {
  if (!SIGNS.some((sign) => sign.test(text))) return false;
  for (const [token] of text.matchAll(CANDIDATE)) if (!isExact(token)) return true;
  return false;
}

/** Returns an integer beyond 2^53 as an `ExactNumber` with all its digits. */
export function toExactInteger(value: bigint): ExactNumber {
  return sourceTextJson.rawJSON(String(value));
}

/** Returns true for a number that `parseExactJson` kept as text. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return sourceTextJson.isRawJSON(value);
}

/** Returns the number of characters of a JSON number when written without an exponent: 401 for `1e400`. May be Infinity. */
export function countPlainDigits(source: string): number {
  const { digits, exponent } = toDecimal(source);
  return exponent >= 0 ? digits.length + exponent : Math.max(digits.length, -exponent) + 1;
}

/** Returns true if a JavaScript number represents a JSON number exactly. Integers beyond 2^53 never count as exact. */
function isExact(source: string): boolean {
  const value = Number(source);
  if (!Number.isFinite(value) || (value === 0 && source.startsWith('-'))) return false;
  if (!/[.eE]/.test(source)) return Number.isSafeInteger(value);
  if (String(value) === source) return true;
  const written = toDecimal(source);
  const held = toDecimal(String(value));
  return written.digits === held.digits && (written.digits === '' || written.exponent === held.exponent);
}

/** The absolute value of a number: its digits without zeros at either end, multiplied by ten to the power of `exponent`. */
function toDecimal(source: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = '', power = '0'] = source.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start += 1;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end -= 1;
  return { digits: all.slice(start, end), exponent: Number(power) - fraction.length + (all.length - end) };
}
