/** How deep allowed free-form JSON goes: baseline.rpm.cruise.mean is four. */
const DEPTH_MAX = 6;
/** Most elements kept of one list: an hour of samples at two a second. */
const LIST_LENGTH_MAX = 7_200;
/** Most characters kept of one text in free-form JSON. */
const TEXT_LENGTH_MAX = 20_000;

/** The words that keys of a free-form source may be made of. A key with any other word stays on the boat. */
export type AllowedWords = ReadonlySet<string>;

/** Words from a text, for lists that read like a sentence. */
export function toWords(...texts: readonly string[]): AllowedWords {
  return new Set(texts.flatMap((text) => text.split(/\s+/)).filter((word) => word !== ''));
}

/** True where every word of a key, however it is spelled (`oilPressure`, `oil_psi`, `OIL-PSI`), is allowed. */
export function isAllowedKey(key: string, words: AllowedWords): boolean {
  const parts = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((part) => part !== '');
  return parts.length > 0 && parts.every((part) => words.has(part));
}

/**
 * What of a free-form JSON value may leave the boat: numbers, booleans, texts without paths, addresses and
 * credentials, and lists and objects of them under allowed keys. Anything deeper than free-form sources are is dropped.
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

/** Only the named fields of an object, in the order named, each as `toAllowed` lets it be without free-form keys. */
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

/** A text another program wrote, without what such texts let slip: addresses, local paths, credentials. */
export function toPublicText(text: string): string {
  const cut = text.length > TEXT_LENGTH_MAX ? text.slice(0, TEXT_LENGTH_MAX) : text;
  // Most texts have none of it, and are checked for the characters all of it needs.
  if (!/[/:=]/.test(cut)) return cut;
  return cut
    .replaceAll(ADDRESS, '[address]')
    .replaceAll(LOCAL_PATH, '[path]')
    .replaceAll(CREDENTIAL, '$1[hidden]');
}

/** An object that is neither null nor a list, or undefined. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // A JSON object: its keys are texts and its values are checked where they are used.
  return value as Readonly<Record<string, unknown>>;
}

/** The objects of a JSON list, whatever else is in it; undefined where the value is no list. */
export function asObjects(value: unknown): readonly Readonly<Record<string, unknown>>[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const elements: readonly unknown[] = value;
  return elements.map(asObject).filter((element) => element !== undefined);
}

/** A finite number, also from a text that is one; null otherwise (the kiosk's averages are texts, `NaN` where a sensor is missing). */
export function toNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}
