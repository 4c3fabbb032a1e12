import { hash } from 'node:crypto';
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type ContentCoding, RECORD_SIZE_MAX_BYTES } from '@d3kos/protocol';

/**
 * Largest zstd window, as a power of two: 8 MiB, the window of the encoder's ordinary levels (up to 19). The format would allow a
 * few bytes to demand gigabytes.
 */
const ZSTD_WINDOW_LOG_MAX = 23;

/**
 * Largest decoding step. The decoder stops at most one step above the limit. Each step allocates its full size, however little it
 * decodes, so a small limit has a small step.
 */
const DECODED_CHUNK_SIZE_BYTES = 262_144;
/** The smallest step that zlib accepts. */
const DECODED_CHUNK_SIZE_MIN_BYTES = 64;

/**
 * Largest ratio of decoded to received bytes. A first export of 10,000 entries is compressed about tenfold. Purely repetitive
 * bodies exceed 1,000.
 */
export const DECODED_RATIO_MAX = 200;

/** Decoded size up to which the ratio is not limited: one record of maximum size may consist of one repeated character. */
export const DECODED_RATIO_FREE_BYTES = RECORD_SIZE_MAX_BYTES;

/** A body without its coding, with the hex SHA-256 of the decoded bytes. */
export type DecodedBody =
  | { readonly kind: 'decoded'; readonly bytes: Uint8Array; readonly sha256: string }
  | { readonly kind: 'too_large' }
  /** Above DECODED_RATIO_MAX. */
  | { readonly kind: 'too_compressed' }
  | { readonly kind: 'damaged' };

/**
 * Decodes a body, and stops at `sizeMaxBytes` or at the ratio limit, which bounds memory for any body (docs/spec/protocol.md
 * R25).
 */
export function decodeBody(bytes: Uint8Array, coding: ContentCoding, sizeMaxBytes: number): DecodedBody {
  const ratioMaxBytes = Math.max(DECODED_RATIO_FREE_BYTES, bytes.byteLength * DECODED_RATIO_MAX);
  try {
    const decoded = decode(bytes, coding, Math.min(sizeMaxBytes, ratioMaxBytes));
    return { kind: 'decoded', bytes: decoded, sha256: hash('sha256', decoded) };
  } catch (error) {
    const isTooLarge =
      error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    if (!isTooLarge) return { kind: 'damaged' };
    return { kind: sizeMaxBytes <= ratioMaxBytes ? 'too_large' : 'too_compressed' };
  }
}

function decode(bytes: Uint8Array, coding: ContentCoding, sizeMaxBytes: number): Uint8Array {
  const chunkSize = Math.max(DECODED_CHUNK_SIZE_MIN_BYTES, Math.min(DECODED_CHUNK_SIZE_BYTES, sizeMaxBytes));
  const limits = { maxOutputLength: sizeMaxBytes, chunkSize };
  switch (coding) {
    case 'identity':
      return bytes;
    case 'gzip':
      return gunzipSync(bytes, limits);
    case 'br':
      return brotliDecompressSync(bytes, limits);
    case 'zstd':
      return zstdDecompressSync(bytes, {
        ...limits,
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      });
  }
}
