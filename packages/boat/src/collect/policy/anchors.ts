import type { Cursor } from '../cursor.ts';

/** A log row that a cursor refers to by position and content. */
export interface Anchor {
  readonly position: number;
  /** The first hex digits of the SHA-256 of its content. */
  readonly digest: string;
}

/** Number of hex digits in an anchor. 48 bits are enough to distinguish two rows at the same position in a log. */
export const ANCHOR_DIGEST_LENGTH = 12;

/**
 * Distances of the anchors before the cursor. If the newest rows were deleted or an older copy was restored, reading resumes at
 * the newest anchor that still exists instead of at the start of the log.
 */
export const ANCHOR_DISTANCES: readonly number[] = [0, 1, 2, 4, 8, 16, 64, 256, 1024, 4096, 65_536];

/** Creates a cursor at the first of `anchors`, which must be in descending order. Returns undefined if there are none. */
export function toCursor(anchors: readonly Anchor[]): Cursor | undefined {
  const [first] = anchors;
  if (first === undefined) return undefined;
  const check = anchors.map(({ position, digest }) => `${position}:${digest}`).join(' ');
  return { position: first.position, check };
}

/** Returns a cursor's anchors in descending order, or none if the cursor's text is malformed. */
export function parseAnchors(cursor: Cursor): readonly Anchor[] {
  const anchors: Anchor[] = [];
  for (const word of cursor.check.split(' ')) {
    const match = /^(-?\d{1,16}):([0-9a-f]{12})$/.exec(word);
    if (match?.[2] === undefined) return [];
    anchors.push({ position: Number(match[1]), digest: match[2] });
  }
  return anchors[0]?.position === cursor.position ? anchors : [];
}

/**
 * Returns the cursor at the newest anchor whose row is unchanged. Every row up to that one has been exported, because a log only
 * grows at its end. Returns undefined if no anchor matches; the source is then a different database and is read from its start.
 */
export function fitCursor(
  cursor: Cursor | undefined,
  digestAt: (position: number) => string | undefined,
): Cursor | undefined {
  const anchors = cursor === undefined ? [] : parseAnchors(cursor);
  const fitting = anchors.findIndex(({ position, digest }) => digestAt(position) === digest);
  return fitting === -1 ? undefined : toCursor(anchors.slice(fitting));
}
