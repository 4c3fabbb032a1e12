import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { toHeartbeat } from '../answers.ts';
import type { Bundle } from '../bundle/bundler.ts';
import type { Events, ManagerEvent } from '../events.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import type { Downloads } from './downloads.ts';

/** Number of bytes read from a file per chunk of an answer. */
const DOWNLOAD_CHUNK_BYTES = 256 * 1024;
/**
 * Maximum number of events queued for a slow client. If more arrive, the stream ends, and the client reconnects automatically.
 */
const EVENTS_WAITING_MAX = 1_000;
/**
 * Heartbeat interval. A page treats its data as stale after two missed heartbeats, and proxies commonly close a connection that
 * is silent for 60 s.
 */
export const HEARTBEAT_EVERY_MS = 15_000;

/** Sends an export file. If the file is removed during the download, the response is cut off. */
export async function sendFile(
  context: Context,
  downloads: Downloads,
  disk: Disk,
  name: string,
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
): Promise<Response> {
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    for (let offset = 0; offset < sizeBytes;) {
      const chunk = await disk.readRange(path, offset, DOWNLOAD_CHUNK_BYTES);
      if (chunk === undefined || chunk.length === 0)
        throw new Error(`${name} was removed while it was being downloaded`);
      offset += chunk.length;
      yield chunk;
    }
  }
  const answer = await downloads.send(context, 'application/json', name, read());
  answer.headers.set('Content-Length', String(sizeBytes));
  return answer;
}

/** Sends a bundle, or 204 if there is none. */
export async function sendBundle(
  context: Context,
  downloads: Downloads,
  bundle: Bundle | undefined,
): Promise<Response> {
  if (bundle === undefined) return context.body(null, 204);
  return downloads.send(context, 'application/octet-stream', bundle.name, bundle.pieces());
}

/** Sends a CSV file. */
export function sendCsv(
  context: Context,
  downloads: Downloads,
  name: string,
  texts: AsyncGenerator<string, void, void>,
): Promise<Response> {
  async function* encode(): AsyncGenerator<Uint8Array, void, void> {
    for await (const text of texts) yield Buffer.from(text, 'utf8');
  }
  return downloads.send(context, 'text/csv; charset=utf-8', name, encode());
}

/**
 * Streams events to a page until the page disconnects or stops reading. Begins with a heartbeat and the events for the work in
 * progress. Heartbeats use monotonic time, so setting the boat's clock does not delay them.
 */
export function sendEvents(context: Context, events: Events, clock: Clock): Response {
  return streamSSE(context, async (stream) => {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    let waitingCount = 0;
    const send = (event: ManagerEvent): void => {
      if (waitingCount >= EVENTS_WAITING_MAX) return stream.abort();
      waitingCount += 1;
      void stream
        .writeSSE({ event: event.kind, data: JSON.stringify(event) })
        .finally(() => (waitingCount -= 1));
    };
    const beat = (): void => send(toHeartbeat(clock.wall()));
    const unsubscribe = events.subscribe(send);
    // If WATCHERS_MAX subscribers already exist, the stream ends immediately.
    if (unsubscribe === undefined) return;
    beat();
    for (const event of events.inProgress()) send(event);
    while (!left.signal.aborted) {
      // Only an abort causes a rejection.
      await clock.sleep(HEARTBEAT_EVERY_MS, left.signal).then(beat, () => undefined);
    }
    unsubscribe();
  });
}
