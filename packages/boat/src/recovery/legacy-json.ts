const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const SPACE = 0x20;

/**
 * A JSON text's value, with `NaN` and `Infinity`, which Python writes, as null. Undefined where it is not JSON.
 * Never throws: what it is given may be torn, and of any length.
 */
export function parseLegacyJson(text: string): { readonly value: unknown } | undefined {
  return tryParse(text) ?? (/NaN|Infinity/.test(text) ? tryParse(withoutPythonNumbers(text)) : undefined);
}

function tryParse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Walks from string to string: one pattern over both overflows the stack of the matcher at a long string. */
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

/** The place after the closing quote of the string that opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

/** A run of a text: [start, end). */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The JSON objects of a torn text that are whole, each without those inside it, in order. A string with a raw control
 * character in it, or a bracket that closes nothing, is a tear: everything open there is given up, and what follows
 * counts from anew. Linear in the text.
 */
export function findWholeObjects(text: string): readonly TextRange[] {
  const found: TextRange[] = [];
  let open: { readonly code: number; readonly at: number }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfWholeString(text, at);
      if (end === undefined) open = [];
      else at = end - 1;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) open.push({ code, at });
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      const opened = open.pop();
      if (opened?.code !== (code === CLOSE_OBJECT ? OPEN_OBJECT : OPEN_LIST)) open = [];
      else if (code === CLOSE_OBJECT) keep(found, { start: opened.at, end: at + 1 });
    } else if (code < SPACE && !isWhitespace(code)) open = [];
  }
  return found;
}

/** The place after the string's closing quote; undefined where the string is torn. */
function endOfWholeString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < SPACE) return undefined;
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return undefined;
}

/** An object takes the place of those inside it, which were found before it. */
function keep(found: TextRange[], range: TextRange): void {
  for (let last = found.at(-1); last !== undefined && last.start > range.start; last = found.at(-1))
    found.pop();
  found.push(range);
}

function isWhitespace(code: number): boolean {
  return code === 0x09 || code === 0x0a || code === 0x0d;
}
