import { createHash } from 'node:crypto';
import { CONTENT_CODINGS, type ContentCoding } from '@d3kos/protocol';
import type { AdmittedRequest } from '../admission/admission.ts';
import type { AdmissionRefusal } from '../admission/policy.ts';
import type { RouteId } from '../api/contract.ts';
import type { BodySource } from '../platform/ports.ts';
import type { RouteRequest } from './route-request.ts';

/**
 * Maximum number of chunks kept before they are joined. A body may arrive in chunks of one byte, and each chunk has an overhead
 * of about 200 bytes. Ordinary chunks have 16 KiB or more, so the largest body has fewer chunks than this.
 */
const PIECES_MAX = 4_096;

/**
 * A received body, or the reason why it is incomplete. `refused`: its bytes exceed a memory limit. `evicted`: it arrived too
 * slowly.
 */
export type ReceivedBody =
  | { readonly kind: 'received'; readonly bytes: Uint8Array; readonly sha256Base64: string }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'refused'; readonly refusal: AdmissionRefusal }
  | { readonly kind: 'evicted' }
  | { readonly kind: 'incomplete' };

/** A request and the source of its body. Without a source, the body is read from the request. */
export type SentBody = Pick<RouteRequest<RouteId>, 'raw' | 'bodySource'>;

/**
 * Reads a request body of at most `sizeMaxBytes`. Each chunk is first counted with `upload.hold`. If that returns a refusal,
 * reading stops. hono's body-limit middleware is unsuitable (decision 0029), because it buffers the body before its bytes are
 * counted. Never throws, whatever the sender does.
 */
export async function receiveBody(
  { raw, bodySource = raw.body?.getReader() }: SentBody,
  sizeMaxBytes: number,
  upload: AdmittedRequest['upload'],
): Promise<ReceivedBody> {
  if (Number(raw.headers.get('Content-Length') ?? 0) > sizeMaxBytes) return { kind: 'too_large' };
  const hash = createHash('sha256');
  const pieces: Uint8Array[] = [];
  let joined = 0;
  let sizeBytes = 0;
  let isEvicted = false;
  const stop = async () => {
    // The connection may already be closed, which does not change the outcome.
    await bodySource?.cancel().catch(() => undefined);
  };
  upload.onEviction(() => {
    isEvicted = true;
    pieces.length = 0;
    // Ends the wait for a chunk.
    void stop();
  });
  for (;;) {
    const next = await readPiece(bodySource);
    if (isEvicted) return { kind: 'evicted' };
    if (next === 'incomplete') return { kind: 'incomplete' };
    if (next === undefined) break;
    sizeBytes += next.byteLength;
    if (sizeBytes > sizeMaxBytes) {
      await stop();
      return { kind: 'too_large' };
    }
    const refusal = upload.hold(next.byteLength);
    if (refusal !== undefined) {
      await stop();
      return { kind: 'refused', refusal };
    }
    hash.update(next);
    pieces.push(next);
    if (pieces.length - joined === PIECES_MAX) {
      pieces.push(Buffer.concat(pieces.splice(joined)));
      joined = pieces.length;
    }
  }
  upload.complete();
  return { kind: 'received', bytes: Buffer.concat(pieces), sha256Base64: hash.digest('base64') };
}

/** Returns the next bytes, or undefined at the end. It is normal for a sender to disconnect; central has not failed. */
async function readPiece(source: BodySource | undefined): Promise<Uint8Array | undefined | 'incomplete'> {
  if (source === undefined) return undefined;
  try {
    const { done, value } = await source.read();
    return done ? undefined : value;
  } catch {
    return 'incomplete';
  }
}

/**
 * Returns the coding in a `Content-Encoding` header, or undefined if central does not accept it or the header lists several.
 */
export function parseContentCoding(header: string | null): ContentCoding | undefined {
  const name = (header ?? 'identity').trim().toLowerCase();
  return CONTENT_CODINGS.find((coding) => coding === name);
}
