import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log, RandomHex } from '../platform/ports.ts';

/** The header that contains the request ID, both in the request and in its answer. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/** The format of accepted IDs. Proxies use hex digits or UUIDs, and nothing else may get into a log line. */
const ACCEPTED_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** Number of random bytes in a generated ID. */
const OWN_ID_BYTES = 8;

/** Assigns an ID to each request and adds it to every log line written while the request is handled. */
export interface RequestIds {
  /** Handles a request under the ID that it carries, if acceptable, otherwise under a new one. */
  run<T>(request: Request, work: (requestId: string) => Promise<T>): Promise<T>;
  /** A log that adds the request's ID to each line. */
  readonly log: Log;
}

/** Creates the request IDs of one node. */
export function createRequestIds(log: Log, randomHex: RandomHex): RequestIds {
  const current = new AsyncLocalStorage<string>();
  return {
    run(request, work) {
      const given = request.headers.get(REQUEST_ID_HEADER) ?? '';
      const requestId = ACCEPTED_ID.test(given) ? given : randomHex(OWN_ID_BYTES);
      return current.run(requestId, () => work(requestId));
    },
    log: {
      write(level, message, facts) {
        const requestId = current.getStore();
        log.write(level, message, requestId === undefined ? facts : { ...facts, request: requestId });
      },
    },
  };
}
