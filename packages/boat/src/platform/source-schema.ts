import { closeSync, constants, openSync, readSync } from 'node:fs';
import { isNotFound } from './disk-file-system.ts';

/**
 * Maximum size of a source's schema, in bytes. SQLite reads the whole schema when it opens a database and keeps it in memory,
 * where it can be twenty times as large. The largest known schema is 5 kB.
 */
const SCHEMA_SIZE_MAX_BYTES = 1024 * 1024;

/**
 * Maximum number of pages in a schema of more than one page. In a damaged file, pages can refer to each other in a cycle, and
 * without a limit, reading them would never end.
 */
const SCHEMA_PAGES_MAX = 512;

/**
 * Maximum number of pages in a write-ahead log, because its page numbers are read one by one. SQLite resets the log at 1,000
 * pages unless a reader never finishes.
 */
const WAL_PAGES_MAX = 65_536;

/** Sizes and offsets in SQLite's file format, sections 1.3, 1.6 and 4.1. */
const HEADER_BYTES = 100;
const PAGE_SIZE_OFFSET = 16;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const INTERIOR_TABLE = 5;
const LEAF_TABLE = 13;

/**
 * Returns true if a SQLite database's schema is small enough to open: at most `SCHEMA_SIZE_MAX_BYTES`, on at most two levels of
 * pages, none of which occurs twice. If the write-ahead log contains several versions of a page, each version must satisfy these
 * limits. Also returns true for a file that is not a database, which SQLite rejects immediately. Throws the system's error.
 */
export function hasSmallSchema(path: string): boolean {
  const file = openToRead(path);
  if (file === undefined) return true;
  let wal: number | undefined;
  try {
    wal = openToRead(`${path}-wal`);
    const header = readAt(file, 0, HEADER_BYTES);
    const size = header.length < HEADER_BYTES ? 0 : header.readUInt16BE(PAGE_SIZE_OFFSET);
    const pageBytes = size === 1 ? PAGE_BYTES_MAX : size;
    if (pageBytes < PAGE_BYTES_MIN) return true;
    const frames = wal === undefined ? new Map<number, number[]>() : findFrames(wal, pageBytes);
    if (frames === undefined) return false;
    const versionsOf = (pageNo: number): readonly Buffer[] => [
      readAt(file, (pageNo - 1) * pageBytes, pageBytes),
      ...(frames.get(pageNo) ?? []).map((at) =>
        wal === undefined ? Buffer.alloc(0) : readAt(wal, at, pageBytes),
      ),
    ];
    return versionsOf(1).every((page) => isSmallRoot(page, versionsOf));
  } finally {
    closeSync(file);
    if (wal !== undefined) closeSync(wal);
  }
}

/** Returns each page's offsets in a write-ahead log, or undefined if there are too many. */
function findFrames(wal: number, pageBytes: number): Map<number, number[]> | undefined {
  const frames = new Map<number, number[]>();
  for (let count = 0; count <= WAL_PAGES_MAX; count += 1) {
    const at = WAL_HEADER_BYTES + count * (FRAME_HEADER_BYTES + pageBytes);
    const header = readAt(wal, at, FRAME_HEADER_BYTES);
    if (header.length < FRAME_HEADER_BYTES) return frames;
    const pageNo = header.readUInt32BE(0);
    const known = frames.get(pageNo);
    if (known === undefined) frames.set(pageNo, [at + FRAME_HEADER_BYTES]);
    else known.push(at + FRAME_HEADER_BYTES);
  }
  return undefined;
}

function isSmallRoot(page: Buffer, versionsOf: (pageNo: number) => readonly Buffer[]): boolean {
  if (page.length <= HEADER_BYTES || page[HEADER_BYTES] !== INTERIOR_TABLE)
    return sizeOfLeaf(page, HEADER_BYTES) <= SCHEMA_SIZE_MAX_BYTES;
  const children = childrenOf(page);
  if (children.length > SCHEMA_PAGES_MAX || new Set(children).size < children.length) return false;
  let sizeBytes = 0;
  for (const pageNo of children) {
    const versions = versionsOf(pageNo);
    if (versions.some((version) => version[0] === INTERIOR_TABLE)) return false;
    sizeBytes += Math.max(...versions.map((version) => sizeOfLeaf(version, 0)));
  }
  return sizeBytes <= SCHEMA_SIZE_MAX_BYTES;
}

/** Returns the numbers of the pages to which the root page refers. */
function childrenOf(page: Buffer): readonly number[] {
  const children = [page.readUInt32BE(HEADER_BYTES + 8)];
  for (const at of cellsOf(page, HEADER_BYTES, 12)) children.push(page.readUInt32BE(at));
  return children;
}

/** Returns the size of the rows on a leaf page, including overflow pages. Returns 0 for any other page, which SQLite rejects. */
function sizeOfLeaf(page: Buffer, start: number): number {
  if (page[start] !== LEAF_TABLE) return 0;
  let sizeBytes = 0;
  for (const at of cellsOf(page, start, 8)) sizeBytes += readVarint(page, at);
  return sizeBytes;
}

/** Yields the offsets of a page's cells that lie within the page. */
function* cellsOf(page: Buffer, start: number, headBytes: number): Generator<number, void, void> {
  const count = page.length < start + headBytes ? 0 : page.readUInt16BE(start + 3);
  for (let cell = 0; cell < count; cell += 1) {
    const pointer = start + headBytes + 2 * cell;
    if (pointer + 2 > page.length) return;
    const at = page.readUInt16BE(pointer);
    if (at + 4 <= page.length) yield at;
  }
}

/**
 * Reads a variable-length integer (section 1.6). If the page is damaged, the result may be too large for a JavaScript number to
 * represent exactly.
 */
function readVarint(page: Buffer, start: number): number {
  let value = 0;
  for (let at = start; at < start + 9 && at < page.length; at += 1) {
    const byte = page[at] ?? 0;
    value = value * 128 + (byte & 127);
    if (byte < 128) break;
  }
  return value;
}

/** Opens a file for reading. Returns undefined if nothing exists at the path. Does not block on pipes. */
function openToRead(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(file, bytes, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
