import { RECORD_ID_LENGTH_MAX } from '@d3kos/protocol';

/** Number of hex digits of the SHA-256 used to identify a row without an ID (128 bits). */
export const CONTENT_DIGEST_LENGTH = 32;

/**
 * Returns a record's identity from its ID in the source and its raw timestamp (decision 0003). The ID alone does not identify a
 * record, because IDs are reused after deletions and start again in a new database. An identity that is too long or contains
 * characters that central's database may reject is replaced with its digest. `toFastLine` in boatlog-fast-line.ts builds the same
 * identity in SQL for simple rows.
 */
export function toRecordId(id: string, timestamp: string, sha256: (text: string) => string): string {
  const whole = timestamp === '' ? id : `${id}@${timestamp}`;
  if (whole !== '' && whole.length <= RECORD_ID_LENGTH_MAX && whole.isWellFormed() && !hasControl(whole))
    return whole;
  return `~${sha256(whole).slice(0, CONTENT_DIGEST_LENGTH)}`;
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/**
 * Returns the name of a row whose ID is NULL. It consists of a digest of the row's content and the row's number among identical
 * rows (0 for the first). Identical rows are counted within a run of equal timestamps, so the same rows get the same names in
 * every export.
 */
export function toContentId(contentSha256: string, duplicateNo: number): string {
  const name = `~${contentSha256.slice(0, CONTENT_DIGEST_LENGTH)}`;
  return duplicateNo === 0 ? name : `${name}#${duplicateNo}`;
}
