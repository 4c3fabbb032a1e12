import { parseForeignJson } from '../platform/lenient-json.ts';

/**
 * Maximum length of the list stored for one localStorage key, in characters: twice the limit that browsers have for a whole
 * origin.
 */
export const BROWSER_LIST_LENGTH_MAX = 10 * 1024 * 1024;

/**
 * Merges a localStorage value with the stored one. If both are lists, the result has the stored items that the new list lacks,
 * followed by the new items. Otherwise, the new value replaces the stored one, unless the stored one is a list. `droppedLength`
 * is the number of characters in the oldest items that no longer fit.
 */
export function mergeBrowserText(
  before: string | undefined,
  text: string,
): { readonly text: string; readonly droppedLength: number } {
  const old = before === undefined ? undefined : parseList(before);
  const fresh = parseList(text);
  if (before === undefined || old === undefined) return { text, droppedLength: 0 };
  if (fresh === undefined) return { text: before, droppedLength: 0 };
  const freshItems = fresh.map((item) => JSON.stringify(item));
  const left = new Map<string, number>();
  for (const item of freshItems) left.set(item, (left.get(item) ?? 0) + 1);
  const kept = old
    .map((item) => JSON.stringify(item))
    .filter((item) => {
      const n = left.get(item) ?? 0;
      left.set(item, n - 1);
      return n <= 0;
    });
  const items = [...kept, ...freshItems];
  let length = items.reduce((sum, item) => sum + item.length + 1, 1);
  let from = 0;
  let droppedLength = 0;
  while (length > BROWSER_LIST_LENGTH_MAX && from < items.length) {
    const dropped = (items[from]?.length ?? 0) + 1;
    length -= dropped;
    droppedLength += dropped;
    from += 1;
  }
  return { text: `[${items.slice(from).join(',')}]`, droppedLength };
}

function parseList(text: string): readonly unknown[] | undefined {
  // A localStorage value need not be JSON. If it is nested too deeply, it is not compared.
  const parsed = parseForeignJson(text);
  return parsed.kind === 'value' && Array.isArray(parsed.value) ? parsed.value : undefined;
}
