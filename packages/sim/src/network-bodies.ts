import { TransportError } from '../../boat/src/platform/ports.ts';

/** An answer whose body has been read in full, so that it can be cut or counted. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Statuses whose answers have no body. */
const EMPTY_STATUSES = new Set([204, 205, 304]);

/** Returns the request as the server receives it. Its body is a separate copy that the server may keep or detach. */
export function toRequest(request: Request, bytes: Uint8Array): Request {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    // `slice` returns a Uint8Array with a separate ArrayBuffer.
    body: hasBody ? (bytes.slice() as Uint8Array<ArrayBuffer>) : null,
  });
}

/** Returns the complete answer, as the boat receives it. */
export function toResponse({ status, headers, bytes }: Answer): Response {
  // `slice` returns a Uint8Array with a separate ArrayBuffer.
  const body = EMPTY_STATUSES.has(status) ? null : (bytes.slice() as Uint8Array<ArrayBuffer>);
  return new Response(body, { status, headers });
}

/** Returns an answer whose connection is reset after `lengthBytes` bytes of the body. */
export function toBrokenResponse({ status, headers, bytes }: Answer, lengthBytes: number): Response {
  const failure = new TransportError('exchange', 'ECONNRESET', 'the connection was reset during the answer');
  const chunks = [bytes.slice(0, lengthBytes)];
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = chunks.pop();
      if (chunk === undefined || chunk.length === 0) controller.error(failure);
      else controller.enqueue(chunk);
    },
  });
  return new Response(body, { status, headers });
}
