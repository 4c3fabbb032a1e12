/** TransportError's code where no byte moved for the transport's silence limit after the request began. */
export const SILENT_CODE = 'SILENT';

/** A response's body, as far as it may be read. */
export type AnswerBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_large'; readonly sizeMaxBytes: number };

/**
 * Reads at most `sizeMaxBytes` of a response's body; a longer one is abandoned and its connection with it. Throws what
 * the transport's stream throws (TransportError) where the answer breaks off.
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

/** A body's text as JSON, or undefined where it is not JSON. Bytes that are not UTF-8 make it not JSON. */
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
