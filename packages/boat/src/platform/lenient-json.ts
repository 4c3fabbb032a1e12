import { countPlainDigits, type ExactNumber, isExactNumber, parseExactJson } from '@d3kos/protocol';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_LIST = 0x5d;
const LETTER_I = 0x49;
const LETTER_N = 0x4e;

/**
 * Maximum nesting depth of a JSON document. Known sources have six levels. Functions that traverse a value recurse once per
 * level.
 */
export const JSON_LEVELS_MAX = 64;
/**
 * Maximum number of values in a JSON document. A value that is only two characters long may take a hundred bytes of memory. The
 * largest known source, a year of benchmarks with their samples, has half a million values.
 */
export const JSON_VALUES_MAX = 1_000_000;

/**
 * Maximum number of members per object. Known objects have fewer than a hundred. Every key is compared with the allowed words, so
 * an object with a million keys would block the daemon for half a minute.
 */
export const JSON_MEMBERS_MAX = 10_000;

/** A JSON document's value, or the reason why it has none. */
export type ParsedJson =
  { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'odd'; readonly reason: string };

/**
 * Parses JSON that another program wrote, in linear time. `NaN` and `Infinity`, which Python writes, become null. A number that
 * JavaScript cannot represent exactly becomes an `ExactNumber`. Never throws.
 */
export function parseForeignJson(text: string, valuesMax = JSON_VALUES_MAX): ParsedJson {
  const facts = measure(text, { levels: JSON_LEVELS_MAX, values: valuesMax, members: JSON_MEMBERS_MAX });
  if (facts.levels > JSON_LEVELS_MAX) return odd(`nests deeper than ${JSON_LEVELS_MAX} levels`);
  if (facts.values > valuesMax) return odd(`contains more than ${valuesMax} values`);
  if (facts.members > JSON_MEMBERS_MAX) return odd(`has an object with more than ${JSON_MEMBERS_MAX} keys`);
  return tryParse(facts.hasPythonNumbers ? withoutPythonNumbers(text) : text);
}

function odd(reason: string): ParsedJson {
  return { kind: 'odd', reason };
}

function tryParse(text: string): ParsedJson {
  try {
    return { kind: 'value', value: parseExactJson(text) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return odd('is not valid JSON');
    throw error;
  }
}

interface TextFacts {
  readonly levels: number;
  /** Number of `,`, `[` and `{`. One of them precedes every value except the outermost. */
  readonly values: number;
  /** Number of members in the largest object. */
  readonly members: number;
  readonly hasPythonNumbers: boolean;
}

/** Scans the text, stopping at the first limit that it exceeds. */
function measure(
  text: string,
  max: { readonly levels: number; readonly values: number; readonly members: number },
): TextFacts {
  let level = 0;
  let levels = 0;
  let values = 0;
  let members = 0;
  let hasPythonNumbers = false;
  // Number of members so far in the open container at each level. List elements do not count.
  const open = new Float64Array(JSON_LEVELS_MAX + 2);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      level += 1;
      values += 1;
      if (level > levels) levels = level;
      if (levels > max.levels) break;
      open[level] = code === OPEN_OBJECT ? 1 : Number.NEGATIVE_INFINITY;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) level -= 1;
    else if (code === COMMA) {
      values += 1;
      const count = (open[level] ?? 0) + 1;
      open[level] = count;
      if (count > members) members = count;
      if (values > max.values || members > max.members) break;
    } else if (code === LETTER_N || code === LETTER_I) hasPythonNumbers = true;
  }
  return { levels, values, members, hasPythonNumbers };
}

/** Returns the number of values in `text`, which may be a fragment of a JSON document. */
export function countJsonValues(text: string): number {
  const none = Number.POSITIVE_INFINITY;
  return measure(text, { levels: none, values: none, members: none }).values;
}

/** Replaces the numbers that only Python writes, outside strings. */
function withoutPythonNumbers(text: string): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const end = quote === -1 ? text.length : quote;
    pieces.push(text.slice(at, end).replaceAll(/-?\b(?:NaN|Infinity)\b/g, 'null'));
    at = quote === -1 ? text.length : endOfString(text, quote);
    pieces.push(text.slice(end, at));
  }
  return pieces.join('');
}

/** Returns the position after the closing quote of the string that opens at `start`, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

/** Maximum number of digits with which central stores a number as a number. */
const NUMBER_DIGITS_MAX = 1_000;

/**
 * Returns a JSON number with all its digits. A number that has more than 1,000 digits when written without an exponent becomes
 * text, because central refuses it. Returns undefined for any other value.
 */
export function toExactNumber(value: unknown): number | ExactNumber | string | undefined {
  if (typeof value === 'number') return value;
  if (!isExactNumber(value)) return undefined;
  return countPlainDigits(value.rawJSON) > NUMBER_DIGITS_MAX ? value.rawJSON : value;
}
