import type { Readable } from 'node:stream';

/** Maximum length of the line. A password has at most 128 characters. */
const LINE_LENGTH_MAX = 4_096;

/**
 * Reads a stream up to its first line ending. Returns the line without its ending, or undefined if the stream is empty or the
 * line is too long.
 */
export async function readFirstLine(stream: Readable): Promise<string | undefined> {
  let text = '';
  // A program may close the stream without a line ending.
  for await (const piece of stream.setEncoding('utf8')) {
    text += String(piece);
    if (text.includes('\n') || text.length > LINE_LENGTH_MAX) break;
  }
  const [line = ''] = text.split(/\r?\n/);
  return line === '' || line.length > LINE_LENGTH_MAX ? undefined : line;
}
