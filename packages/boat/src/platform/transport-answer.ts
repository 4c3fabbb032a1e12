import { TransportError } from './ports.ts';

/** TransportError code: no data was transferred for the duration of the silence timeout. */
export const SILENT_CODE = 'SILENT';

/** TransportError code: the answer arrived more slowly than it would on the slowest link that counts as working. */
export const SLOW_CODE = 'SLOW';

/** A response's body, up to a size limit. */
export type AnswerBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_large'; readonly sizeMaxBytes: number };

/**
 * Reads at most `sizeMaxBytes` of a response's body. If the body is longer, abandons it and closes the connection. Throws
 * TransportError if the response is cut off.
 */
export async function readAnswer(response: Response, sizeMaxBytes: number): Promise<AnswerBody> {
  if (response.body === null) return { kind: 'whole', bytes: new Uint8Array() };
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { kind: 'whole', bytes: joinChunks(chunks, sizeBytes) };
    sizeBytes += value.byteLength;
    if (sizeBytes > sizeMaxBytes) {
      await reader.cancel();
      return { kind: 'too_large', sizeMaxBytes };
    }
    chunks.push(value);
  }
}

/**
 * Returns a failed exchange's transport error. If the signal is aborted, throws its reason. Rethrows any other error unchanged.
 */
export function toTransportFailure(error: unknown, signal: AbortSignal): TransportError {
  signal.throwIfAborted();
  if (!(error instanceof TransportError)) throw error;
  return error;
}

/** Parses a body as JSON. Returns undefined if it is not UTF-8 JSON. */
export function parseJsonBytes(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function joinChunks(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const joined = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return joined;
}
