import { ExportError } from './errors.ts';
import type { Clock, Disk } from './ports.ts';

/**
 * Maximum wait for one operation on a source. A busy SD card answers within a second. A network folder whose server is gone may
 * never answer.
 */
export const SOURCE_WAIT_MAX_MS = 10_000;

/**
 * Number of unanswered operations at which no further sources are read. Each occupies one of the four threads on which Node runs
 * file operations, and the ledger and the exports need the other two.
 */
const STUCK_MAX = 2;

/**
 * Returns the disk that collectors use until `signal` aborts. An operation that does not finish within `SOURCE_WAIT_MAX_MS`
 * throws DISK_FAILED, and further operations on the same path fail immediately until the system has answered. Rejects promptly
 * with the signal's reason when aborted.
 */
export type SourceDisk = (signal: AbortSignal) => Disk;

/**
 * Creates a `SourceDisk`. A process must have only one such disk, because it counts unanswered operations. Synchronous calls
 * cannot be interrupted: a network folder that answers `stat` but not `open` still blocks SQLite (docs/spec/sources.md, "Common
 * rules").
 */
export function createSourceDisk(disk: Disk, clock: Clock): SourceDisk {
  const stuck = new Set<string>();
  const bounded = async <T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    if (stuck.has(path)) throw doesNotAnswer(path, 'ETIMEDOUT');
    if (stuck.size >= STUCK_MAX) throw doesNotAnswer(path, 'EAGAIN');
    let isDone = false;
    const pending = work().finally(() => {
      isDone = true;
      stuck.delete(path);
    });
    // The operation may fail after its deadline, when nothing is waiting for it.
    pending.catch(() => undefined);
    const timer = new AbortController();
    const stop = (): void => timer.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const deadline = clock.sleep(SOURCE_WAIT_MAX_MS, timer.signal).then(() => {
        throw doesNotAnswer(path, 'ETIMEDOUT');
      });
      return await Promise.race([pending, deadline]);
    } finally {
      if (!isDone) stuck.add(path);
      signal.removeEventListener('abort', stop);
      timer.abort(new Error('the operation has ended'));
    }
  };
  return (signal) => ({
    ...disk,
    // Owners move sources to other drives and leave links.
    read: (path, sizeMaxBytes, links = 'follow') =>
      bounded(path, signal, () => disk.read(path, sizeMaxBytes, links)),
    readRange: (path, offset, length, links = 'follow') =>
      bounded(path, signal, () => disk.readRange(path, offset, length, links)),
    stat: (path, links = 'follow') => bounded(path, signal, () => disk.stat(path, links)),
    list: (path, links = 'follow') => bounded(path, signal, () => disk.list(path, links)),
    space: (path) => bounded(path, signal, () => disk.space(path)),
  });
}

/** `ETIMEDOUT` if this path was read, `EAGAIN` if too many others do not answer. */
function doesNotAnswer(path: string, code: 'ETIMEDOUT' | 'EAGAIN'): ExportError {
  return new ExportError('DISK_FAILED', `The file system does not answer: ${path}`, {
    op: `read ${path}`,
    hint: 'Check the network folder or storage device on which this path is located. The next export will try to read it again.',
    cause: Object.assign(new Error('no answer'), { code }),
  });
}
