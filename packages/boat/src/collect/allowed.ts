/** Maximum depth of free-form JSON. `baseline.rpm.cruise.mean` has a depth of four. */
const DEPTH_MAX = 6;
/** Maximum number of elements kept from a list, enough for one hour of samples at two per second. */
const LIST_LENGTH_MAX = 7_200;
/** Maximum number of characters kept from a string. */
export const TEXT_LENGTH_MAX = 20_000;

/** The words allowed in keys of a free-form source. A key that contains any other word stays on the boat. */
export type AllowedWords = ReadonlySet<string>;

/** Splits texts into words at white space. */
export function toWords(...texts: readonly string[]): AllowedWords {
  return new Set(texts.flatMap((text) => text.split(/\s+/)).filter((word) => word !== ''));
}

/** True if every word of a key is allowed, in any spelling: `oilPressure`, `oil_psi`, `OIL-PSI`. */
export function isAllowedKey(key: string, words: AllowedWords): boolean {
  const parts = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((part) => part !== '');
  return parts.length > 0 && parts.every((part) => words.has(part));
}

/**
 * Returns the part of a free-form JSON value that may leave the boat: numbers, booleans, strings without paths, addresses
 * or credentials, and lists and objects of such values under allowed keys. Values below `DEPTH_MAX` are dropped.
 */
export function toAllowed(value: unknown, words: AllowedWords, depth = 0): unknown {
  if (typeof value === 'string') return toPublicText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object' || depth >= DEPTH_MAX) return undefined;
  if (Array.isArray(value))
    return value.slice(0, LIST_LENGTH_MAX).map((element) => toAllowed(element, words, depth + 1) ?? null);
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (!isAllowedKey(key, words)) continue;
    const allowed = toAllowed(inner, words, depth + 1);
    if (allowed !== undefined) kept[key] = allowed;
  }
  return kept;
}

/** Returns the named fields of an object that hold plain values, in the given order. `toAllowed` filters each value. */
export function pickFields(
  source: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of names) {
    const value = Object.hasOwn(source, name) ? toAllowed(source[name], NO_WORDS) : undefined;
    if (value !== undefined && !(typeof value === 'object' && value !== null)) kept[name] = value;
  }
  return kept;
}

const NO_WORDS: AllowedWords = new Set();

const ADDRESS = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>]+/gi;
const LOCAL_PATH = /(?<![\w.])\/(?:home|opt|etc|var|media|mnt|root|tmp|usr|run|srv)(?:\/[^\s"'<>,;)]*)?/g;
const CREDENTIAL =
  /(\b(?:\w*api[_-]?key|key|\w*token|passw(?:or)?d|secret|authorization|chat[_-]?id)["']?\s*[:=]\s*["']?)[^\s"',}&]+/gi;

/** Removes addresses, local paths and credentials from text written by another program. */
export function toPublicText(text: string): string {
  const cut = text.length > TEXT_LENGTH_MAX ? text.slice(0, TEXT_LENGTH_MAX) : text;
  // All three patterns need one of these characters, and most texts contain none of them.
  if (!/[/:=]/.test(cut)) return cut;
  return cut
    .replaceAll(ADDRESS, '[address]')
    .replaceAll(LOCAL_PATH, '[path]')
    .replaceAll(CREDENTIAL, '$1[hidden]');
}

/** Returns the value as a JSON object, or undefined if it is not an object. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // Keys of a JSON object are strings. Its values are checked where they are used.
  return value as Readonly<Record<string, unknown>>;
}

/** Returns the objects in a JSON list, without its other elements. Returns undefined if the value is not a list. */
export function asObjects(value: unknown): readonly Readonly<Record<string, unknown>>[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const elements: readonly unknown[] = value;
  return elements.map(asObject).filter((element) => element !== undefined);
}

/**
 * Returns a finite number, or null. Strings are parsed, because the kiosk writes averages as strings, and `NaN` for a
 * missing sensor.
 */
export function toNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}
