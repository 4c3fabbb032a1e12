import type { IncomingMessage } from 'node:http';
import type { BodySource } from './ports.ts';

/**
 * Reads a request body directly from the connection. Reading the body through the web `Request` would make the HTTP library
 * create a second request, an abort controller and two web streams (decision 0051). Only one of the two, this source or the
 * `Request`, may be read. The source takes nothing from the connection before the first `read`, and then stays at most one read
 * ahead, so that a slow reader slows the sender.
 */
export function toBodySource(incoming: IncomingMessage): BodySource {
  let isCancelled = false;
  let wake = () => {};
  const settle = () => wake();
  return {
    async read() {
      for (;;) {
        if (isCancelled) return { done: true, value: undefined };
        const value: unknown = incoming.read();
        // No encoding is set, so the connection yields bytes.
        if (value instanceof Uint8Array) return { done: false, value };
        if (incoming.readableEnded) return { done: true, value: undefined };
        if (incoming.destroyed) throw new Error('the sender disconnected before the end of the body');
        await new Promise<void>((resolve) => {
          wake = resolve;
          for (const event of WAKING_EVENTS) incoming.once(event, settle);
        });
        for (const event of WAKING_EVENTS) incoming.off(event, settle);
      }
    },
    async cancel() {
      isCancelled = true;
      wake();
    },
  };
}

/** Events after which a read has a result. */
const WAKING_EVENTS = ['readable', 'end', 'error', 'close'] as const;
