/** Maximum number of keys listed in a category's detail. The others are only counted. */
const NAMED_KEYS_MAX = 12;
/**
 * Matches a key that a program wrote. Other keys are counted but not listed, because they may themselves be values, such as a
 * network's name.
 */
const KEY_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,39}$/;
/** Maximum number of digits in a listed key. A key with more digits may be an identifier or a credential. */
const KEY_DIGITS_MAX = 3;

/**
 * Counts the items of a source that could not be interpreted and are not exported: lines of a log, elements of a list, values in
 * a table, or files in a folder.
 */
export interface OddParts {
  /** `place` is the number of the line or element, starting at 1, or a description such as "row 17, column species". */
  add(place: number | string, reason: string): void;
  /**
   * Returns a sentence with the number of these items and the place and reason of the first one, or undefined if there are none.
   */
  detail(): string | undefined;
}

/** Creates a counter. `name` is the source's name, usually its path below the boat's root. */
export function createOddParts(name: string, part: 'line' | 'element' | 'value' | 'file'): OddParts {
  let count = 0;
  let first = '';
  return {
    add(place, reason) {
      count += 1;
      if (count === 1) first = `${name}${typeof place === 'number' ? ':' : ', '}${place} ${reason}`;
    },
    detail() {
      if (count === 0) return undefined;
      return count === 1
        ? `1 ${part} was not understood: ${first}`
        : `${count} ${part}s were not understood, the first: ${first}`;
    },
  };
}

/** Called with each key that an allow-list leaves out. */
export type OnLeftOut = (key: string) => void;

/** Counts the keys that allow-lists leave out, by source. Keeps no values. */
export interface LeftOutKeys {
  /** Returns a function that counts keys of the source `name`. */
  of(name: string): OnLeftOut;
  /** Returns one sentence per source with the number of keys and their names, or undefined if nothing was left out. */
  detail(): string | undefined;
}

export function createLeftOutKeys(): LeftOutKeys {
  const sources = new Map<string, Set<string>>();
  return {
    of: (name) => (key) => {
      const keys = sources.get(name) ?? new Set();
      // A source with a million different keys must not exhaust memory.
      if (keys.size < KEYS_COUNTED_MAX) keys.add(key);
      sources.set(name, keys);
    },
    detail() {
      const sentences = sources.entries().map(([name, keys]) => describeKeys(name, keys));
      return sources.size === 0 ? undefined : [...sentences].join('; ');
    },
  };
}

/** Maximum number of different keys counted for one source. */
const KEYS_COUNTED_MAX = 1_000;

function describeKeys(name: string, keys: ReadonlySet<string>): string {
  const nameable = [...keys].filter(isName);
  const named = nameable.slice(0, NAMED_KEYS_MAX);
  const others = keys.size - named.length;
  const list = [
    ...named,
    ...(others === 0 ? [] : [named.length === 0 ? 'no names shown' : `${others} more`]),
  ];
  const count = keys.size === KEYS_COUNTED_MAX ? `${keys.size} or more` : String(keys.size);
  return `not exported: ${count} ${keys.size === 1 ? 'key' : 'keys'} of ${name} (${list.join(', ')})`;
}

function isName(key: string): boolean {
  return KEY_NAME.test(key) && key.replaceAll(/[^0-9]/g, '').length <= KEY_DIGITS_MAX;
}

/** Joins the sentences of a category's detail. */
export function joinDetails(
  details: readonly (string | undefined)[],
): { readonly detail: string } | Readonly<Record<never, never>> {
  const given = details.filter((detail) => detail !== undefined);
  return given.length === 0 ? {} : { detail: given.join('; ') };
}
