/** Bytes of requests that carry an idempotency key: the parts of exports, with their heads. */
export interface SentBytes {
  /** What had to be sent: each part once, as it went last. */
  readonly neededBytes: number;
  /** What was sent of parts, with everything that was begun and not ended. */
  readonly partBytes: number;
  /** How often each key was begun. */
  readonly tries: ReadonlyMap<string, number>;
}

const HEAD_END = Buffer.from('\r\n\r\n');

interface KeyedRequest {
  readonly key: string;
  /** With its head. */
  readonly wholeBytes: number;
  sentBytes: number;
}

/** Reads the requests of one connection as their bytes pass: heads with a `Content-Length`, one after another. */
export class RequestMeter {
  /** Those with a key, in their order. */
  readonly requests: KeyedRequest[] = [];
  #head = Buffer.alloc(0);
  #body: { leftBytes: number; readonly request: KeyedRequest | undefined } | undefined;

  /** Takes the next bytes; true where a request ended in them. */
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

  /** Takes what belongs to the head, and gives what comes after it. */
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

/** What all connections carried, in the order they were made. */
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
