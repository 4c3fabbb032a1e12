/** Bytes in requests with an idempotency key: parts of exports with their headers. */
export interface SentBytes {
  /** The bytes that were necessary: each part once, in its last version. */
  readonly neededBytes: number;
  /** The bytes of all parts sent, including incomplete requests. */
  readonly partBytes: number;
  /** Number of requests for each key. */
  readonly tries: ReadonlyMap<string, number>;
}

const HEAD_END = Buffer.from('\r\n\r\n');

interface KeyedRequest {
  readonly key: string;
  /** Size of the request, including its headers. */
  readonly wholeBytes: number;
  sentBytes: number;
}

/** Parses the requests on one connection as their bytes pass. Every request has a `Content-Length`. */
export class RequestMeter {
  /** The requests with a key, in order. */
  readonly requests: KeyedRequest[] = [];
  #head = Buffer.alloc(0);
  #body: { leftBytes: number; readonly request: KeyedRequest | undefined } | undefined;

  /** Adds the next bytes. Returns true if a request ended within these bytes. */
  add(bytes: Buffer): boolean {
    let hasEnded = false;
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#body === undefined) {
        rest = this.#readHead(rest);
        if (this.#body === undefined) return hasEnded;
      }
      const { request } = this.#body;
      const taken = Math.min(rest.length, this.#body.leftBytes);
      this.#body.leftBytes -= taken;
      if (request !== undefined) request.sentBytes += taken;
      rest = rest.subarray(taken);
      if (this.#body.leftBytes > 0) return hasEnded;
      this.#body = undefined;
      hasEnded = true;
    }
    return hasEnded;
  }

  /** Consumes the header bytes and returns the remaining bytes. */
  #readHead(bytes: Buffer): Buffer {
    const seen = Buffer.concat([this.#head, bytes]);
    const end = seen.indexOf(HEAD_END);
    if (end < 0) {
      this.#head = seen;
      return Buffer.alloc(0);
    }
    const headBytes = end + HEAD_END.length;
    const head = seen.subarray(0, end).toString('latin1');
    const leftBytes = Number(/^content-length: *([0-9]+)/im.exec(head)?.[1] ?? 0);
    const key = /^idempotency-key: *([^\r\n]+)/im.exec(head)?.[1];
    const request =
      key === undefined ? undefined : { key, wholeBytes: headBytes + leftBytes, sentBytes: headBytes };
    if (request !== undefined) this.requests.push(request);
    this.#head = Buffer.alloc(0);
    this.#body = { leftBytes, request };
    return seen.subarray(headBytes);
  }
}

/** Adds up the requests of all connections, one connection after another. */
export function sumSent(meters: readonly RequestMeter[]): SentBytes {
  const needed = new Map<string, number>();
  const tries = new Map<string, number>();
  let partBytes = 0;
  for (const { key, wholeBytes, sentBytes } of meters.flatMap(({ requests }) => requests)) {
    needed.set(key, wholeBytes);
    tries.set(key, (tries.get(key) ?? 0) + 1);
    partBytes += sentBytes;
  }
  return { neededBytes: [...needed.values()].reduce((sum, bytes) => sum + bytes, 0), partBytes, tries };
}
