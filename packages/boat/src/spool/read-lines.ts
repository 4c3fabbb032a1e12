import type { Clock, Disk } from '../platform/ports.ts';

/** How much of a file is read at once: a few parts' worth, and far below what a 4 GB boat can spare. */
const READ_SIZE_BYTES = 1024 * 1024;

const LINE_END = 10;

/** A line of a file: its place, and its bytes without the line end. */
export interface Line {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The lines of a file, read in chunks with the event loop free in between; memory is one chunk and the longest line.
 * A last line without a line end is given too. Undefined as the first result never happens: a missing file has no lines,
 * so ask `Disk.stat` first where that matters.
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
    await clock.yield();
  }
  if (rest.length > 0) yield { offset: restOffset, bytes: rest };
}
