import { ExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';

/** Number of bytes read at once, about the size of a part. */
const READ_SIZE_BYTES = 1024 * 1024;

/**
 * Maximum length of a line, in bytes. The daemon keeps a whole line in memory and has 512 MB in total. Central refuses a body of
 * this size, so a longer record could not be delivered anyway.
 */
export const LINE_SIZE_MAX_BYTES = 32 * 1024 * 1024;

const LINE_END = 10;

/** A line of a file: its offset, and its bytes without the newline. */
export interface Line {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Yields a file's lines, including a last line without a newline. Reads in chunks and yields to the event loop between them.
 * Keeps one chunk and the longest line in memory. Throws EXPORT_FILE_DAMAGED for a line of more than `LINE_SIZE_MAX_BYTES`, which
 * only another program could have written. Like an empty file, a missing one yields no lines; callers that need to distinguish
 * the two use `Disk.stat`.
 */
export async function* readLines(disk: Disk, clock: Clock, path: string): AsyncGenerator<Line, void, void> {
  let rest: Uint8Array = new Uint8Array(0);
  let restOffset = 0;
  for (let offset = 0; ;) {
    const chunk = await disk.readRange(path, offset, READ_SIZE_BYTES);
    if (chunk === undefined || chunk.length === 0) break;
    offset += chunk.length;
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_END, start);
      if (end < 0) break;
      yield { offset: restOffset + start, bytes: bytes.subarray(start, end) };
      start = end + 1;
    }
    rest = bytes.subarray(start);
    restOffset += start;
    if (rest.length > LINE_SIZE_MAX_BYTES)
      throw new ExportError(
        'EXPORT_FILE_DAMAGED',
        `The export file ${path} has a line of more than ${LINE_SIZE_MAX_BYTES} bytes at byte ${restOffset}`,
        {
          op: 'read the lines of the export',
          hint: 'The next export contains its records. The file is kept so that you can examine it.',
        },
      );
    await clock.yield();
  }
  if (rest.length > 0) yield { offset: restOffset, bytes: rest };
}
