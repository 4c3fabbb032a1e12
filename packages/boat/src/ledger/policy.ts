import type { Cursor } from '../collect/cursor.ts';

/**
 * Where a log goes on after a range that began at `from` came back: never further than it is now.
 * Undefined is the start, which is lower than every cursor.
 */
export function lowerCursor(now: Cursor | undefined, from: Cursor | undefined): Cursor | undefined {
  if (now === undefined || from === undefined) return undefined;
  return from.position < now.position ? from : now;
}

/** `YYYYMMDD_HHMMSS` in UTC: the form of queue ids and file names, taken over from the legacy exporter. A label: clocks are wrong. */
export function toStamp(wallMs: number): string {
  const iso = new Date(wallMs).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}_${iso.slice(11, 19).replaceAll(':', '')}`;
}

/** `YYYY-MM-DDTHH:MM:SSZ`: the form of times in the JSON files and the API, taken over from the legacy exporter. */
export function toLegacyTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** The calendar month in which sent bytes are counted, `YYYY-MM` in UTC by the boat's clock. */
export function toMonth(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 7);
}

/** The queue id that the name of an export's file, or of a failed one's, tells; undefined where it has neither form. */
export function toQueueIdOfFile(path: string): string | undefined {
  const named = /(?:^|\/)(?:export_([^/]+)|(q_[^/]+)_failed)\.json$/.exec(path);
  return named?.[1] === undefined ? named?.[2] : `q_${named[1]}`;
}

/** The `attempt`-th name for a stamp: the bare one, then `_2`, `_3`, … (docs/spec/delivery.md, "Making an export"). */
export function toNumberedName(stamp: string, attempt: number): string {
  return attempt <= 1 ? stamp : `${stamp}_${attempt}`;
}

/** Longest list kept of one localStorage key: what a browser keeps for a whole origin, twice. */
export const BROWSER_LIST_LENGTH_MAX = 10 * 1024 * 1024;

/**
 * What to keep of a localStorage text: lists are joined (what was there and is not in the new one stays, in front), other
 * values are replaced, and a new text that is no JSON replaces nothing that was. `droppedLength`: characters of the
 * oldest entries that no longer fit.
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
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    // Not JSON is a form a localStorage text can have.
    return undefined;
  }
}
