import type { Context } from 'hono';
import { ExportError } from '../platform/errors.ts';
import type { Clock } from '../platform/ports.ts';

/**
 * Maximum number of concurrent downloads. Each keeps a page of rows in memory, and a boatlog download also keeps a database open;
 * together, this takes up to 10 MB. The limit allows a few browsers to download a file each.
 */
export const DOWNLOADS_MAX = 8;

/** Maximum time for which a client may accept nothing. Even a slow browser accepts a chunk within seconds. */
export const DOWNLOAD_STALL_MAX_MS = 60_000;

/** The downloads in progress. */
export interface Downloads {
  /**
   * Answers with a download. Each chunk is created when the client has accepted the previous one. If the client accepts nothing
   * for DOWNLOAD_STALL_MAX_MS, the download is cut off. Throws BUSY and ends `pieces` if there are too many downloads.
   */
  send(
    context: Context,
    mediaType: string,
    name: string,
    pieces: AsyncGenerator<Uint8Array, void, void>,
  ): Promise<Response>;
}

export function createDownloads(clock: Pick<Clock, 'sleep'>): Downloads {
  let inProgress = 0;
  return {
    async send(context, mediaType, name, pieces) {
      if (inProgress >= DOWNLOADS_MAX) {
        await pieces.return();
        throw new ExportError('BUSY', `${DOWNLOADS_MAX} downloads are already in progress`, {
          op: `download ${name}`,
          hint: 'Wait until one of them has ended, and try again.',
        });
      }
      inProgress += 1;
      context.header('Content-Type', mediaType);
      context.header('Content-Disposition', `attachment; filename="${name}"`);
      return context.body(toStream(clock, pieces, () => (inProgress -= 1)));
    },
  };
}

/** Reads `pieces` one after another as the client accepts them. Calls `onEnd` once, however the download ends. */
function toStream(
  clock: Pick<Clock, 'sleep'>,
  pieces: AsyncGenerator<Uint8Array, void, void>,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const ended = new AbortController();
  let waiting = new AbortController();
  const end = async (): Promise<void> => {
    if (ended.signal.aborted) return;
    ended.abort();
    waiting.abort();
    onEnd();
    await pieces.return();
  };
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    waiting = new AbortController();
    clock.sleep(DOWNLOAD_STALL_MAX_MS, waiting.signal).then(
      () => {
        controller.error(new Error('the client accepts nothing'));
        return end();
      },
      // Only an abort causes a rejection: the client has accepted the chunk, or the download has ended.
      () => undefined,
    );
  };
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        waiting.abort();
        try {
          const { done, value } = await pieces.next();
          if (ended.signal.aborted) return;
          if (done === true) {
            controller.close();
            await end();
          } else {
            controller.enqueue(value);
            watch(controller);
          }
        } catch (error) {
          await end();
          throw error;
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
