import type { Outcome } from './outcome.ts';

/**
 * A part is not cut below this. A central that refuses 16 KiB refuses the export; a link that does not carry the 2 to 5 KB
 * these are when compressed, with their headers, does not carry the handshake before them either.
 */
const PART_SIZE_MIN_BYTES = 16 * 1024;

/** A central that says 413 has a limit that is usually near: each round costs one refused request. */
const REFUSED_DIVISOR = 2;
/** A link that drops says nothing of how much it carries, and each round costs two drops: from 1 MiB to the smallest in three. */
const CUT_OFF_DIVISOR = 4;

/**
 * How often in a row one part is cut off before it is cut smaller. Once is any drop: its next try begins with the link and
 * has all of it. Twice is a link that carries less than the part.
 */
export const CUT_OFFS_BEFORE_CUT = 2;

/** One part, as far as cutting it smaller depends on it. */
export interface CuttablePart {
  /** What it was cut by. */
  readonly partSizeBytes: number;
  readonly bodyBytes: number;
  readonly hasSeveralRecords: boolean;
}

/**
 * The part size to cut by once central refused a part (`refused`), or the link did not carry it (`cut_off`); undefined
 * where it cannot be smaller: records are never cut.
 */
export function smallerPartSize(part: CuttablePart, why: 'refused' | 'cut_off'): number | undefined {
  const sizeBytes = Math.min(part.partSizeBytes, part.bodyBytes);
  if (!part.hasSeveralRecords || sizeBytes <= PART_SIZE_MIN_BYTES) return undefined;
  const divisor = why === 'refused' ? REFUSED_DIVISOR : CUT_OFF_DIVISOR;
  return Math.max(PART_SIZE_MIN_BYTES, Math.floor(sizeBytes / divisor));
}

/** True where the request began and no whole answer came: the link may have carried less than the part. */
export function isCutOff({ kind }: Outcome): boolean {
  return kind === 'answer_lost' || kind === 'stalled';
}
