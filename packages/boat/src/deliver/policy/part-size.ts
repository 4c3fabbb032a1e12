import type { Outcome } from '../outcome.ts';

/**
 * Minimum part size, in bytes. If central refuses a 16 KiB part, the export is rejected. Compressed, a part of this size is 2 to
 * 5 KB. A link that cannot carry it cannot carry the TLS handshake either.
 */
const PART_SIZE_MIN_BYTES = 16 * 1024;

/** After a 413, the limit is usually close to the refused size, and each round costs one refused request. */
const REFUSED_DIVISOR = 2;
/**
 * A dropped connection does not reveal the limit, and each round costs two drops. Dividing by four takes only three rounds from 1
 * MiB to the minimum.
 */
const CUT_OFF_DIVISOR = 4;

/**
 * Number of consecutive times that a part must be cut off before it is split into smaller ones. One drop may be accidental. Two
 * drops mean that the link cannot carry the complete part (decision 0024).
 */
const CUT_OFFS_BEFORE_CUT = 2;

/** What determines whether a part can be split into smaller ones. */
export interface CuttablePart {
  /** The part size with which the export was split. */
  readonly partSizeBytes: number;
  readonly bodyBytes: number;
  readonly hasSeveralRecords: boolean;
}

/**
 * Returns the part size to use after central refused a part (`refused`) or the link cut it off (`cut_off`). Returns undefined if
 * the part cannot be smaller, because a record is never split.
 */
export function smallerPartSize(part: CuttablePart, why: 'refused' | 'cut_off'): number | undefined {
  const sizeBytes = Math.min(part.partSizeBytes, part.bodyBytes);
  if (!part.hasSeveralRecords || sizeBytes <= PART_SIZE_MIN_BYTES) return undefined;
  const divisor = why === 'refused' ? REFUSED_DIVISOR : CUT_OFF_DIVISOR;
  return Math.max(PART_SIZE_MIN_BYTES, Math.floor(sizeBytes / divisor));
}

/**
 * Returns the part size to use after the link cut off a part `cutOffs` times in a row. Returns undefined if the part is not to be
 * split.
 */
export function sizeAfterCutOffs(part: CuttablePart, cutOffs: number): number | undefined {
  return cutOffs >= CUT_OFFS_BEFORE_CUT ? smallerPartSize(part, 'cut_off') : undefined;
}

/** Returns true if the request began but no complete answer arrived. The link may then be unable to carry the complete part. */
export function isCutOff({ kind }: Outcome): boolean {
  return kind === 'answer_lost' || kind === 'stalled';
}
