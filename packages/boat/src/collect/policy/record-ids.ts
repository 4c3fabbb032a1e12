import { RECORD_ID_LENGTH_MAX } from '@d3kos/protocol';

/** Number of hex digits of the SHA-256 that identify a row without an id (128 bits). */
export const CONTENT_DIGEST_LENGTH = 32;

/**
 * A record's identity from its id in the source and its raw timestamp (decision 0003). The id alone does not identify it: ids
 * are reused after deletions and start again in a new database. An id that is too long, or that has characters which central's
 * database may reject, is replaced by its digest. `toFastLine` in boatlog-rows.ts builds the same id in SQL for simple rows.
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
 * Returns the name of a row whose id is NULL. The name consists of a digest of the content and the row's number among
 * identical rows (0 for the first). Identical rows are counted within a run of equal timestamps, so the same rows get the
 * same names in every export.
 */
export function toContentId(contentSha256: string, duplicateNo: number): string {
  const name = `~${contentSha256.slice(0, CONTENT_DIGEST_LENGTH)}`;
  return duplicateNo === 0 ? name : `${name}#${duplicateNo}`;
}
