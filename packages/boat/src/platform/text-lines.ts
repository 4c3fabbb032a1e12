import { createTooLarge } from './disk.ts';
import type { Disk } from './ports.ts';
import { decodeBytes, detectEncoding } from './text.ts';

/** Number of bytes read per step. */
const READ_BYTES = 256 * 1024;
/** Maximum length of a line in characters. Known programs write much shorter lines. */
export const LINE_LENGTH_MAX = 256 * 1024;

/**
 * Maximum size of a file of lines, in bytes: more than 30 alarms a day for 50 years. Without a limit, reading a huge sparse file,
 * or one that grows while it is read, would never end.
 */
export const LINES_SIZE_MAX_BYTES = 256 * 1024 * 1024;

/**
 * A line of a text file. `whole` ends with a newline, and `last` does not have one yet. `too_long` exceeds `LINE_LENGTH_MAX` and
 * has no text.
 */
export interface TextLine {
  readonly kind: 'whole' | 'last' | 'too_long';
  /** Line number, starting at 1. */
  readonly no: number;
  readonly text: string;
}

/**
 * Reads a text file line by line in constant memory, in any encoding that `decodeText` supports. A run of NUL characters also
 * ends a line, because a power cut can leave one in place of a newline. Skips blank lines. Returns false if the file does not
 * exist. Throws disk errors, and FILE_TOO_LARGE after `sizeMaxBytes`.
 */
export async function* readTextLines(
  disk: Pick<Disk, 'readRange'>,
  path: string,
  sizeMaxBytes = LINES_SIZE_MAX_BYTES,
): AsyncGenerator<readonly TextLine[], boolean, void> {
  let offset = 0;
  let decode: Decode | undefined;
  const split = createSplitter();
  for (;;) {
    const bytes = await disk.readRange(path, offset, READ_BYTES, 'follow');
    if (bytes === undefined) return offset > 0;
    offset += bytes.length;
    if (offset > sizeMaxBytes) throw createTooLarge(path, sizeMaxBytes);
    decode ??= createDecoder(bytes);
    const isEnd = bytes.length === 0;
    yield split(decode(bytes, isEnd), isEnd);
    if (isEnd) return true;
  }
}

/** Decodes a file's next bytes. If `isEnd` is set, returns everything that is left. */
type Decode = (bytes: Uint8Array, isEnd: boolean) => string;

function createDecoder(first: Uint8Array): Decode {
  const encoding = detectEncoding(first);
  if (encoding !== 'utf-8') {
    const decoder = new TextDecoder(encoding);
    return (bytes, isEnd) => decoder.decode(bytes, { stream: !isEnd });
  }
  let rest: Uint8Array = new Uint8Array();
  return (bytes, isEnd) => {
    const gathered = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    // Splits only after a newline, so that no character is split. A line that is too long is not decoded correctly, but is
    // skipped anyway.
    const end = Math.max(gathered.lastIndexOf(0x0a), gathered.lastIndexOf(0)) + 1;
    const cut = isEnd || gathered.length - end > LINE_LENGTH_MAX ? gathered.length : end;
    rest = gathered.slice(cut);
    return decodeBytes(gathered.subarray(0, cut));
  };
}

function createSplitter(): (text: string, isEnd: boolean) => readonly TextLine[] {
  let no = 1;
  let open = '';
  let isTooLong = false;
  return (text, isEnd) => {
    const lines: TextLine[] = [];
    const add = (kind: 'whole' | 'last', line: string): void => {
      const isLong = isTooLong || line.length > LINE_LENGTH_MAX;
      isTooLong = false;
      if (isLong) lines.push({ kind: 'too_long', no, text: '' });
      else if (line.trim() !== '') lines.push({ kind, no, text: line });
    };
    const addPieces = (line: string): string => {
      const pieces = line.split(/\0+/);
      const tail = pieces.pop() ?? '';
      for (const piece of pieces) add('whole', piece);
      return tail;
    };
    const whole = (open + text).split('\n');
    open = whole.pop() ?? '';
    for (const line of whole) {
      add('whole', toBare(addPieces(line)));
      no += 1;
    }
    open = addPieces(open);
    if (isEnd) add('last', toBare(open));
    else if (open.length > LINE_LENGTH_MAX) {
      isTooLong = true;
      open = '';
    }
    return lines;
  };
}

/** Removes a leading byte order mark and a trailing carriage return. */
function toBare(line: string): string {
  const start = line.startsWith('\ufeff') ? 1 : 0;
  return line.slice(start, line.endsWith('\r') ? -1 : undefined);
}
