import { createHash } from 'node:crypto';
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CONTENT_CODINGS, type ContentCoding } from '@d3kos/protocol';

/**
 * Largest window a zstd body may ask for, as a power of two: 8 MiB, what the encoder's ordinary levels (up to 19) use.
 * The format would allow a few bytes to claim gigabytes.
 */
const ZSTD_WINDOW_LOG_MAX = 23;

/** How much decoded data is produced at a time: with it the decoder stops at most this far above the limit. */
const DECODED_CHUNK_SIZE_BYTES = 262_144;

/**
 * Pieces that are kept as they came. A body may come in pieces of one byte, of which each costs some 200 beside its own; those
 * of an ordinary body are 16 KiB and more, and the largest body has fewer of them.
 */
const PIECES_MAX = 4_096;

/** What came over the wire, or why it is not whole. */
export type ReceivedBody =
  | { readonly kind: 'received'; readonly bytes: Uint8Array; readonly sha256Base64: string }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'no_room' }
  | { readonly kind: 'incomplete' };

/**
 * Reads a request's body, at most `sizeMaxBytes` of it and as long as `hold` has room for what came; a larger one is not read
 * on. Never throws for what a sender does.
 */
export async function receiveBody(
  request: Request,
  sizeMaxBytes: number,
  hold: (sizeBytes: number) => boolean,
): Promise<ReceivedBody> {
  if (Number(request.headers.get('Content-Length') ?? 0) > sizeMaxBytes) return { kind: 'too_large' };
  const hash = createHash('sha256');
  const pieces: Uint8Array[] = [];
  let joined = 0;
  let sizeBytes = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const next = await readOn(reader);
    if (next === 'incomplete') return { kind: 'incomplete' };
    if (next === undefined) break;
    sizeBytes += next.byteLength;
    if (sizeBytes > sizeMaxBytes) {
      await reader?.cancel();
      return { kind: 'too_large' };
    }
    if (!hold(next.byteLength)) {
      await reader?.cancel();
      return { kind: 'no_room' };
    }
    hash.update(next);
    pieces.push(next);
    if (pieces.length - joined === PIECES_MAX) {
      pieces.push(Buffer.concat(pieces.splice(joined)));
      joined = pieces.length;
    }
  }
  return { kind: 'received', bytes: Buffer.concat(pieces), sha256Base64: hash.digest('base64') };
}

/** The next bytes, undefined at the end. A sender that went away in the middle is an outcome, not a failure of ours. */
async function readOn(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<Uint8Array | undefined | 'incomplete'> {
  if (reader === undefined) return undefined;
  try {
    const { done, value } = await reader.read();
    return done ? undefined : value;
  } catch {
    return 'incomplete';
  }
}

/** The single coding a `Content-Encoding` header names, or undefined for one that is not taken. */
export function parseContentCoding(header: string | null): ContentCoding | undefined {
  const name = (header ?? 'identity').trim().toLowerCase();
  return CONTENT_CODINGS.find((coding) => coding === name);
}

/** A body without its coding. */
export type DecodedBody =
  | { readonly kind: 'decoded'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'damaged' };

/**
 * Undoes a content coding and stops at `sizeMaxBytes`: memory is bounded by it, whatever the body claims to hold.
 * Synchronous: a part of 1 MiB takes about 5 ms, less than parsing it, and its answer does not depend on a thread's timing.
 */
export function decodeBody(bytes: Uint8Array, coding: ContentCoding, sizeMaxBytes: number): DecodedBody {
  const limits = { maxOutputLength: sizeMaxBytes, chunkSize: DECODED_CHUNK_SIZE_BYTES };
  try {
    switch (coding) {
      case 'identity':
        return { kind: 'decoded', bytes };
      case 'gzip':
        return { kind: 'decoded', bytes: gunzipSync(bytes, limits) };
      case 'br':
        return { kind: 'decoded', bytes: brotliDecompressSync(bytes, limits) };
      case 'zstd':
        return {
          kind: 'decoded',
          bytes: zstdDecompressSync(bytes, {
            ...limits,
            params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
          }),
        };
    }
  } catch (error) {
    const isTooLarge =
      error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return { kind: isTooLarge ? 'too_large' : 'damaged' };
  }
}
