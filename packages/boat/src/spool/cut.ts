import { CATEGORIES, type Category, type CategoryState, isDocumentCategory } from '@d3kos/protocol';
import { ExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { type CutPart, createCutter, type Slice, toLineKind } from './policy.ts';
import { readLines } from './read-lines.ts';

/** Number of bytes at the start of a line that determine the line's kind. */
const LINE_START_LENGTH = 64;
/**
 * Maximum size of the header line, in bytes. The line contains IDs, times and versions, and there is room for fields added by
 * later versions.
 */
const HEADER_SIZE_MAX_BYTES = 64 * 1024;

/** The line that represents a document category without new records. */
const EMPTY_DOCUMENT = '{}';

const COMMA = 44;

function damaged(path: string, what: string): ExportError {
  return new ExportError('EXPORT_FILE_DAMAGED', `The export file ${path} ${what}`, {
    op: 'split the export into parts',
    hint: 'The next export contains its records. The file is kept so that you can examine it.',
  });
}

/**
 * Splits an export file into parts of about `partSizeBytes`. The parts contain all records, or only those whose offsets `isOpen`
 * accepts. `isOpen` is called in file order. The same file and size always give the same parts, even after a restart. Throws
 * EXPORT_FILE_DAMAGED if the file has a different layout or no end. docs/spec/protocol.md R15: "A part MUST hold whole records
 * only."
 */
export async function cutFile(
  disk: Disk,
  clock: Clock,
  path: string,
  partSizeBytes: number,
  isOpen: (offset: number) => boolean = () => true,
): Promise<readonly CutPart[]> {
  const cutter = createCutter(partSizeBytes);
  const parts: CutPart[] = [];
  const opened = new Set<Category>();
  let category: Category | undefined;
  let previous: 'open' | 'separated' | 'other' = 'other';
  let isComplete = false;
  for await (const { offset, bytes } of readLines(disk, clock, path)) {
    const start = Buffer.from(
      bytes.buffer,
      bytes.byteOffset,
      Math.min(bytes.length, LINE_START_LENGTH),
    ).toString('latin1');
    const line = toLineKind(start);
    if (line === undefined) {
      if (start !== EMPTY_DOCUMENT || previous !== 'open')
        throw damaged(path, `has an unknown line at byte ${offset}`);
      previous = 'other';
      continue;
    }
    // A slice must consist of consecutive records; otherwise a malformed file could need more memory for its slices than its own
    // size.
    const isSeparated = bytes.at(-1) === COMMA;
    const isFollowing = previous !== 'other';
    previous = line.kind === 'open' ? 'open' : line.kind === 'record' && isSeparated ? 'separated' : 'other';
    if (line.kind === 'open') {
      if (opened.has(line.category)) throw damaged(path, `has a second ${line.category} at byte ${offset}`);
      opened.add(line.category);
      ({ category } = line);
    }
    if (line.kind === 'end') isComplete = true;
    if (line.kind !== 'record') continue;
    if (category === undefined || !isFollowing)
      throw damaged(path, `has a record outside a category at byte ${offset}`);
    if (!isOpen(offset)) continue;
    const length = isSeparated ? bytes.length - 1 : bytes.length;
    const full = cutter.take({ category, offset, length });
    if (full !== undefined) parts.push(full);
  }
  if (!isComplete) throw damaged(path, 'has no end');
  const rest = cutter.rest();
  if (rest !== undefined) parts.push(rest);
  return parts;
}

/**
 * Returns one part's body before compression. It is a complete document: the file's header, `part`, all nine keys, and the
 * records in the part's slices. Throws EXPORT_FILE_MISSING or EXPORT_FILE_DAMAGED. docs/spec/protocol.md R12: "The decoded body
 * MUST be a complete export document in UTF-8 with `format_version` `"1.0"`."
 */
export async function readPart(
  disk: Disk,
  path: string,
  header: string,
  part: {
    readonly index: number;
    readonly count: number;
    readonly slices: readonly Slice[];
    /** Each category's collection state, repeated in every part. */
    readonly states: Readonly<Partial<Record<Category, CategoryState>>>;
  },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const text = (value: string): void => {
    chunks.push(Buffer.from(value, 'utf8'));
  };
  text(
    `${header.slice(0, header.lastIndexOf('"data":{'))}"part":${JSON.stringify({ index: part.index, count: part.count })},"data":{\n`,
  );
  for (const [position, category] of CATEGORIES.entries()) {
    const slices = part.slices.filter((slice) => slice.category === category);
    const count = slices.reduce((sum, slice) => sum + slice.count, 0);
    const isDocument = isDocumentCategory(category);
    text(
      `${position === 0 ? '' : ',\n'}"${category}":{"category":"${category}",${isDocument ? '"data":\n' : '"entries":[\n'}`,
    );
    for (const [at, { offset, length }] of slices.entries()) {
      if (at > 0) text(',\n');
      const bytes = await disk.readRange(path, offset, length);
      if (bytes === undefined) throw missing(path);
      if (bytes.length !== length) throw damaged(path, `ends inside a record at byte ${offset}`);
      chunks.push(bytes);
    }
    if (isDocument && count === 0) text('{}');
    const facts = JSON.stringify({ entry_count: count, state: part.states[category] }).slice(1);
    text(`\n${isDocument ? ',' : '],'}${facts}`);
  }
  text('\n}}\n');
  return Buffer.concat(chunks);
}

/** Returns the file's first line without its newline. */
export async function readHeaderLine(disk: Disk, path: string): Promise<string> {
  const bytes = await disk.readRange(path, 0, HEADER_SIZE_MAX_BYTES);
  if (bytes === undefined) throw missing(path);
  const end = bytes.indexOf(10);
  const line = Buffer.from(bytes.subarray(0, Math.max(end, 0))).toString('utf8');
  if (toLineKind(line.slice(0, LINE_START_LENGTH))?.kind !== 'header' || !isHeader(line))
    throw damaged(path, 'has no header line');
  return line;
}

/**
 * Returns true if the line is a JSON object whose last member, `data`, is left open. The check is needed because a disk can
 * truncate a line anywhere.
 */
function isHeader(line: string): boolean {
  if (!line.endsWith(',"data":{')) return false;
  try {
    JSON.parse(`${line}}}`);
    return true;
  } catch {
    // JSON.parse throws only SyntaxError.
    return false;
  }
}

function missing(path: string): ExportError {
  return new ExportError('EXPORT_FILE_MISSING', `The export file ${path} does not exist`, {
    op: 'read the export file',
    hint: 'The next export contains its records. If you moved the file, move it back.',
  });
}
