const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const SPACE = 0x20;

/**
 * Parses a JSON text. `NaN` and `Infinity`, which Python writes, become null. Returns undefined if the text is not JSON.
 * Never throws, even for a damaged text of any length.
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

/** Scans string by string. A single regular expression overflows the stack of the matcher at a long string. */
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
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

/** A range of a text: [start, end). */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the complete outermost JSON objects of a damaged text, in order. A string with a raw control character, or an
 * unmatched closing bracket, marks damage. The scan then discards every open object and starts again after it.
 * Runs in linear time.
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

/** Returns the position after the closing quote, or undefined if the string is damaged. */
function endOfWholeString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < SPACE) return undefined;
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return undefined;
}

/** Adds an object and removes the objects inside it, which the scan found earlier. */
function keep(found: TextRange[], range: TextRange): void {
  for (let last = found.at(-1); last !== undefined && last.start > range.start; last = found.at(-1))
    found.pop();
  found.push(range);
}

function isWhitespace(code: number): boolean {
  return code === 0x09 || code === 0x0a || code === 0x0d;
}
