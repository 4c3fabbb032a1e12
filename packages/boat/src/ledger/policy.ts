import type { Cursor } from '../collect/cursor.ts';

/**
 * Where a log goes on after a range that began at `from` came back: never further than it is now.
 * Undefined is the start, which is lower than every cursor.
 */
export function lowerCursor(now: Cursor | undefined, from: Cursor | undefined): Cursor | undefined {
  if (now === undefined || from === undefined) return undefined;
  return from.position < now.position ? from : now;
}

/** `YYYYMMDD_HHMMSS` in UTC: the seed's form in queue ids and file names. A label: clocks are wrong. */
export function toStamp(wallMs: number): string {
  const iso = new Date(wallMs).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}_${iso.slice(11, 19).replaceAll(':', '')}`;
}

/** `YYYY-MM-DDTHH:MM:SSZ`: the seed's form of times in its JSON files. */
export function toSeedTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** The `attempt`-th name for a stamp: the bare one, then `_2`, `_3`, … (spec: a second export in the same second). */
export function toNumberedName(stamp: string, attempt: number): string {
  return attempt <= 1 ? stamp : `${stamp}_${attempt}`;
}
