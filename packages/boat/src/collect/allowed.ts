import { type ExactNumber, isExactNumber } from '@d3kos/protocol';
import { parseForeignJson, toExactNumber } from '../platform/lenient-json.ts';
import { toPublicText } from './redact.ts';
import type { OddParts, OnLeftOut } from './source-notes.ts';

export { TEXT_LENGTH_MAX, toPublicText } from './redact.ts';

/** Maximum nesting depth kept from free-form JSON. `baseline.rpm.cruise.mean` has a depth of four. */
const DEPTH_MAX = 6;
/** Maximum number of list elements kept: one hour of samples at two per second. */
const LIST_LENGTH_MAX = 7_200;

/** Words allowed in a free-form source's keys. A key that contains any other word stays on the boat. */
export type AllowedWords = ReadonlySet<string>;

/** Splits strings into words at whitespace. */
export function toWords(...texts: readonly string[]): AllowedWords {
  return new Set(texts.flatMap((text) => text.split(/\s+/)).filter((word) => word !== ''));
}

/** Returns true if every word of a key is allowed, in any notation: `oilPressure`, `oil_psi`, `OIL-PSI`. */
export function isAllowedKey(key: string, words: AllowedWords): boolean {
  const parts = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((part) => part !== '');
  return parts.length > 0 && parts.every((part) => words.has(part));
}

/**
 * Returns the part of a free-form JSON value that may leave the boat: numbers with all their digits, booleans, strings without
 * paths, addresses or credentials, and lists and objects (with allowed keys only) of these values. Values below `DEPTH_MAX` are
 * dropped. `onLeftOut` is called with each key that is dropped.
 */
export function toAllowed(value: unknown, words: AllowedWords, onLeftOut?: OnLeftOut, depth = 0): unknown {
  if (typeof value === 'string') return toPublicText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean' || value === null) return value;
  if (isExactNumber(value)) return toExactNumber(value);
  if (typeof value !== 'object' || depth >= DEPTH_MAX) return undefined;
  if (Array.isArray(value))
    return value
      .slice(0, LIST_LENGTH_MAX)
      .map((element) => toAllowed(element, words, onLeftOut, depth + 1) ?? null);
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const allowed = isAllowedKey(key, words) ? toAllowed(inner, words, onLeftOut, depth + 1) : undefined;
    if (allowed === undefined) onLeftOut?.(key);
    else kept[key] = allowed;
  }
  return kept;
}

/**
 * Returns an object's named fields that have plain values, in the given order. `toAllowed` filters each value. `onLeftOut` is
 * called with each of the object's other keys.
 */
export function pickFields(
  source: Readonly<Record<string, unknown>>,
  names: readonly string[],
  onLeftOut?: OnLeftOut,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of names) {
    const value = Object.hasOwn(source, name) ? toAllowed(source[name], NO_WORDS) : undefined;
    if (value !== undefined && (typeof value !== 'object' || value === null || isExactNumber(value)))
      kept[name] = value;
  }
  if (onLeftOut !== undefined)
    for (const key of Object.keys(source)) if (!Object.hasOwn(kept, key)) onLeftOut(key);
  return kept;
}

/** Returns the value if it is text or a number, with all its digits. */
export function toScalar(value: unknown): string | number | ExactNumber | null {
  return typeof value === 'string' ? value : (toExactNumber(value) ?? null);
}

/** Returns text or a number as text. */
export function toScalarText(value: string | number | ExactNumber): string {
  return typeof value === 'object' ? value.rawJSON : String(value);
}

const NO_WORDS: AllowedWords = new Set();

/** Returns the value as a JSON object, or undefined if it is not an object. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isExactNumber(value))
    return undefined;
  // A JSON object's keys are strings. Its values are checked where they are used.
  return value as Readonly<Record<string, unknown>>;
}

/**
 * Returns the objects in a JSON list. Leaves out other elements and adds them to `odd`. Returns undefined if the value is not a
 * list.
 */
export function asObjects(
  value: unknown,
  odd?: OddParts,
): readonly Readonly<Record<string, unknown>>[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const elements: readonly unknown[] = value;
  const objects: Readonly<Record<string, unknown>>[] = [];
  for (const [index, element] of elements.entries()) {
    const object = asObject(element);
    if (object === undefined) odd?.add(index + 1, 'is not an object');
    else objects.push(object);
  }
  return objects;
}

/**
 * Returns a number with all its digits, or null. Also parses strings, because the kiosk writes averages as strings and writes
 * `NaN` for a missing sensor.
 */
export function toNumber(value: unknown): number | ExactNumber | null {
  if (typeof value === 'string') {
    const parsed = parseForeignJson(value.trim());
    const number = parsed.kind === 'value' ? parsed.value : Number(value.trim() || Number.NaN);
    return typeof number === 'string' ? null : toNumber(number);
  }
  const number = toExactNumber(value);
  return typeof number === 'string' || (typeof number === 'number' && !Number.isFinite(number))
    ? null
    : (number ?? null);
}
