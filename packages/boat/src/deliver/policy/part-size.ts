import type { Outcome } from '../outcome.ts';

/**
 * Minimum part size, in bytes. If central refuses a part of 16 KiB, the export is rejected. Such a part is 2 to 5 KB
 * when compressed. A link that cannot carry it cannot carry the TLS handshake either.
 */
const PART_SIZE_MIN_BYTES = 16 * 1024;

/** After a 413, the limit is usually close, and each round costs one refused request. */
const REFUSED_DIVISOR = 2;
/**
 * A dropped connection does not show the limit, and each round costs two drops. A quarter reaches the minimum from 1
 * MiB in three rounds.
 */
const CUT_OFF_DIVISOR = 4;

/**
 * Number of consecutive times that a part must be cut off before it is cut smaller. One drop may be accidental. Two drops mean
 * that the link cannot carry the complete part (decision 0024).
 */
const CUT_OFFS_BEFORE_CUT = 2;

/** The facts about a part that decide whether it can be cut smaller. */
export interface CuttablePart {
  /** The part size with which it was cut. */
  readonly partSizeBytes: number;
  readonly bodyBytes: number;
  readonly hasSeveralRecords: boolean;
}

/**
 * The part size after central refused a part (`refused`) or the link did not carry it (`cut_off`). Undefined if the part
 * cannot be smaller: a record is never cut.
 */
export function smallerPartSize(part: CuttablePart, why: 'refused' | 'cut_off'): number | undefined {
  const sizeBytes = Math.min(part.partSizeBytes, part.bodyBytes);
  if (!part.hasSeveralRecords || sizeBytes <= PART_SIZE_MIN_BYTES) return undefined;
  const divisor = why === 'refused' ? REFUSED_DIVISOR : CUT_OFF_DIVISOR;
  return Math.max(PART_SIZE_MIN_BYTES, Math.floor(sizeBytes / divisor));
}

/** The part size after the link cut off a part `cutOffs` times in a row. Undefined if the part is not cut smaller. */
export function sizeAfterCutOffs(part: CuttablePart, cutOffs: number): number | undefined {
  return cutOffs >= CUT_OFFS_BEFORE_CUT ? smallerPartSize(part, 'cut_off') : undefined;
}

/** True if the request began but no complete answer arrived. The link may then be unable to carry the complete part. */
export function isCutOff({ kind }: Outcome): boolean {
  return kind === 'answer_lost' || kind === 'stalled';
}
