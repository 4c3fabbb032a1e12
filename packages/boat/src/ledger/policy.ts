import type { Cursor } from '../collect/cursor.ts';

/**
 * The reason of an entry that the owner cancelled. The owner already knows about it, so no notification is
 * needed.
 */
export const CANCELLED_REASON = 'Cancelled by the owner. The next export carries its records';

/**
 * Returns the cursor of a log after a range that began at `from` was rewound. It never moves forward.
 * Undefined is the start of the log, before every cursor.
 */
export function lowerCursor(now: Cursor | undefined, from: Cursor | undefined): Cursor | undefined {
  if (now === undefined || from === undefined) return undefined;
  return from.position < now.position ? from : now;
}

/**
 * Formats a time as `YYYYMMDD_HHMMSS` in UTC for queue IDs and file names, as the legacy exporter did. The time is only
 * a label, because clocks can be wrong.
 */
export function toStamp(wallMs: number): string {
  const iso = new Date(wallMs).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}_${iso.slice(11, 19).replaceAll(':', '')}`;
}

/** Formats a time as `YYYY-MM-DDTHH:MM:SSZ` for the JSON files and the API, as the legacy exporter did. */
export function toLegacyTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** Returns the calendar month in which sent bytes are counted, `YYYY-MM` in UTC by the boat's clock. */
export function toMonth(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 7);
}

/** Returns the queue ID in the file name of an export or an archived failed export, or undefined for other names. */
export function toQueueIdOfFile(path: string): string | undefined {
  const named = /(?:^|\/)(?:export_([^/]+)|(q_[^/]+)_failed)\.json$/.exec(path);
  return named?.[1] === undefined ? named?.[2] : `q_${named[1]}`;
}

/**
 * Returns the `attempt`-th name for a timestamp: without a suffix, then `_2`, `_3` and so on (docs/spec/delivery.md,
 * "Making an export").
 */
export function toNumberedName(stamp: string, attempt: number): string {
  return attempt <= 1 ? stamp : `${stamp}_${attempt}`;
}

/**
 * Returns the export ID of an export that was numbered in a new ledger. The ID is new, because its documents name another ledger
 * and sequence, and a key must always carry the same bytes (docs/spec/protocol.md R17).
 */
export function toRenumberedExportId(ledgerId: string, sequence: number): string {
  return `exp_${ledgerId}_${sequence}`;
}

/** Minimum time between two requeues of an export that central reported as missing (docs/spec/protocol.md R90). */
const REPORT_PERIOD_MS = 24 * 3_600_000;

/**
 * True if the boat acts on a report that central lacks an export. A time in the future comes from a wrong clock and is ignored.
 */
export function isReportDue(lastMs: number | undefined, nowMs: number): boolean {
  return lastMs === undefined || lastMs > nowMs || nowMs - lastMs >= REPORT_PERIOD_MS;
}

/**
 * Maximum length of the list stored for one localStorage key, in characters. It is twice the browsers' limit for a
 * whole origin.
 */
export const BROWSER_LIST_LENGTH_MAX = 10 * 1024 * 1024;

/**
 * Merges a localStorage text with the stored one. Of two lists, the stored items that the new list lacks come first, then
 * the new items. Otherwise the new text replaces a stored text that is not a list, and never replaces a stored list.
 * `droppedLength` counts the characters of the oldest items that no longer fit.
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
    // A localStorage text need not be JSON.
    return undefined;
  }
}
