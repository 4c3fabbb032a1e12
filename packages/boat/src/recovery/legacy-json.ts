import { parseForeignJson } from '../platform/lenient-json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const SPACE = 0x20;

/**
 * Parses a JSON text of the legacy exporter (see `parseForeignJson`), with any number of values: an old queue holds whole
 * exports. Returns undefined if the text is not JSON. Never throws, even for a damaged text of any length.
 */
export function parseLegacyJson(text: string): { readonly value: unknown } | undefined {
  const parsed = parseForeignJson(text, Infinity);
  return parsed.kind === 'value' ? { value: parsed.value } : undefined;
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
