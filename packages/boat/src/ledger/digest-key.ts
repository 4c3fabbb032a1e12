import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** Size of a key, in bytes. With 128 bits, a collision between two of a boat's records is practically impossible. */
const KEY_SIZE_BYTES = 16;

/** A SHA-256 in the format used by the collectors. */
const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * Returns a record's key in the digest table. A record ID has about 60 characters and would be stored twice, in the table and in
 * its index. With IDs as keys, a million records would take 276 MB instead of 90 MB.
 */
export function toDigestKey(category: string, recordId: string): Uint8Array {
  return createHash('sha256').update(`${category}\0${recordId}`).digest().subarray(0, KEY_SIZE_BYTES);
}

/** Returns a digest as the ledger stores it: a SHA-256 as 32 bytes, any other string unchanged. */
export function toStoredDigest(digest: string): Uint8Array | string {
  return SHA256_HEX.test(digest) ? Buffer.from(digest, 'hex') : digest;
}

/** Reverses `toStoredDigest`. */
export function fromStoredDigest(stored: Uint8Array | string): string {
  return typeof stored === 'string' ? stored : Buffer.from(stored).toString('hex');
}

/** Registers the SQL functions that the migration to compact digests calls. */
export function addDigestFunctions(db: DatabaseSync): void {
  const options = { deterministic: true, directOnly: true };
  db.function('to_digest_key', options, (category, recordId) =>
    toDigestKey(String(category), String(recordId)),
  );
  db.function('to_stored_digest', options, (digest) => toStoredDigest(String(digest)));
}
