import { JSON_LEVELS_MAX, parseForeignJson } from '../platform/lenient-json.ts';

/**
 * Maximum number of values in one of the legacy exporter's files. The largest file that is read, 32 MiB, has room for 100,000
 * boatlog entries with 16 values each. Without this limit, a file of that size full of empty lists would take 1 GB of memory.
 */
export const LEGACY_VALUES_MAX = 2_500_000;
/** Maximum number of complete objects kept from a damaged file, including objects within an unfinished item. */
const WHOLE_OBJECTS_MAX = 1_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const SPACE = 0x20;

/**
 * Parses JSON from the legacy exporter like `parseForeignJson`, but with up to `LEGACY_VALUES_MAX` values, because an old queue
 * may contain whole exports. Returns undefined if the text is not JSON or exceeds a limit. Never throws, even for damaged JSON of
 * any length.
 */
export function parseLegacyJson(text: string): { readonly value: unknown } | undefined {
  const parsed = parseForeignJson(text, LEGACY_VALUES_MAX);
  return parsed.kind === 'value' ? { value: parsed.value } : undefined;
}

/** A range within a string: [start, end). */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the complete outermost JSON objects in damaged JSON, in order. A string with a raw control character, an unmatched
 * closing bracket or an object deeper than `JSON_LEVELS_MAX` counts as damage: the scan then discards every open object and
 * continues after it. Runs in linear time, and stops at `WHOLE_OBJECTS_MAX` objects.
 */
export function findWholeObjects(text: string): readonly TextRange[] {
  const found: TextRange[] = [];
  let open: { readonly code: number; readonly at: number }[] = [];
  // Every quote inside a damaged string is escaped, so a string starting at one would be damaged at the same position.
  let damagedUntil = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const { kind, end } = at < damagedUntil ? { kind: 'damaged', end: damagedUntil } : scanString(text, at);
      if (kind === 'whole') at = end - 1;
      else {
        open = [];
        damagedUntil = end;
      }
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (open.length === JSON_LEVELS_MAX) open = [];
      open.push({ code, at });
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      const opened = open.pop();
      if (opened?.code !== (code === CLOSE_OBJECT ? OPEN_OBJECT : OPEN_LIST)) open = [];
      else if (code === CLOSE_OBJECT) {
        keep(found, { start: opened.at, end: at + 1 });
        if (found.length === WHOLE_OBJECTS_MAX) break;
      }
    } else if (code < SPACE && !isWhitespace(code)) open = [];
  }
  return found;
}

/** Returns the position after the closing quote, or the position at which the string is damaged. */
function scanString(
  text: string,
  start: number,
): { readonly kind: 'whole' | 'damaged'; readonly end: number } {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < SPACE) return { kind: 'damaged', end: at };
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return { kind: 'whole', end: at + 1 };
  }
  return { kind: 'damaged', end: text.length };
}

/** Adds an object and removes the objects nested in it, which the scan found earlier. */
function keep(found: TextRange[], range: TextRange): void {
  for (let last = found.at(-1); last !== undefined && last.start > range.start; last = found.at(-1))
    found.pop();
  found.push(range);
}

function isWhitespace(code: number): boolean {
  return code === 0x09 || code === 0x0a || code === 0x0d;
}
