import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** Size of a key, in bytes. With 128 bits, two of a boat's records never share one. */
const KEY_SIZE_BYTES = 16;

/** A SHA-256 as the collectors write it. */
const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * The key of a record in the table of digests. A record ID has about 60 characters and would be stored twice, in the table and in its
 * index. With IDs as keys, a million records took 276 MB instead of 90 MB.
 */
export function toDigestKey(category: string, recordId: string): Uint8Array {
  return createHash('sha256').update(`${category}\0${recordId}`).digest().subarray(0, KEY_SIZE_BYTES);
}

/** A digest as it is stored: a SHA-256 as its 32 bytes, any other text unchanged. */
export function toStoredDigest(digest: string): Uint8Array | string {
  return SHA256_HEX.test(digest) ? Buffer.from(digest, 'hex') : digest;
}

/** The digest that `toStoredDigest` stored. */
export function fromStoredDigest(stored: Uint8Array | string): string {
  return typeof stored === 'string' ? stored : Buffer.from(stored).toString('hex');
}

/** Adds the functions that the step to compact digests calls. */
export function addDigestFunctions(db: DatabaseSync): void {
  const options = { deterministic: true, directOnly: true };
  db.function('to_digest_key', options, (category, recordId) =>
    toDigestKey(String(category), String(recordId)),
  );
  db.function('to_stored_digest', options, (digest) => toStoredDigest(String(digest)));
}
