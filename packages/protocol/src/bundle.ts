import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { DocumentHeaderSchema, PartSchema } from './document.ts';
import { INSTALLATION_ID_PATTERN } from './installation.ts';

/*
 * An offline bundle carries exports to central on a USB drive. It is one file of control lines in ASCII JSON. After each `part` line
 * comes the body of that part, byte for byte as it would be sent, and a line end. A control line begins with BUNDLE_MARK and no
 * line of a body does, so a reader finds intact parts after a damaged place (docs/spec/protocol.md R64 to R67).
 */

/** The first characters of every control line. */
export const BUNDLE_MARK = '{"d3kos_bundle":"';
/** The only version of the format. */
export const BUNDLE_VERSION = 1;
/** Largest body of one part in a bundle: twice central's default limit, and small enough for a boat's memory. */
export const BUNDLE_PART_SIZE_MAX_BYTES = 64 * 1_048_576;
/** Most skipped exports named in the last line: enough to show the reason, and bounded by the length of a line. */
export const BUNDLE_SKIPPED_MAX = 50;
/** Longest control line: the last one with the most skipped exports. */
const LINE_LENGTH_MAX = 65_536;
/** Bytes read at a time when searching for control lines: the longest line, and hundreds of ordinary ones. */
const WINDOW_SIZE_BYTES = 2 * LINE_LENGTH_MAX;
const LINE_END = 10;

/** The first line names the installation that wrote the bundle. */
export const BundleStartSchema = Type.Object({
  d3kos_bundle: Type.Literal('start'),
  version: Type.Literal(BUNDLE_VERSION),
  installation_id: Type.String({ pattern: INSTALLATION_ID_PATTERN }),
  created: Type.String({ maxLength: 40 }),
  software_version: Type.String({ maxLength: 40 }),
});
export type BundleStart = Static<typeof BundleStartSchema>;

/**
 * docs/spec/protocol.md R65: "A `part` line MUST name the export, the part, the length and the SHA-256 of its body." The digest
 * is hex, as in the receipt.
 */
export const BundlePartSchema = Type.Object({
  d3kos_bundle: Type.Literal('part'),
  export_id: DocumentHeaderSchema.properties.export_id,
  part: PartSchema,
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  size_bytes: Type.Integer({ minimum: 1 }),
});
export type BundlePart = Static<typeof BundlePartSchema>;

/** The last line; a bundle without it is incomplete. `skipped` lists exports whose file could not be read on board. */
export const BundleEndSchema = Type.Object({
  d3kos_bundle: Type.Literal('end'),
  exports: Type.Integer({ minimum: 0 }),
  parts: Type.Integer({ minimum: 0 }),
  skipped_count: Type.Integer({ minimum: 0 }),
  skipped: Type.Array(
    Type.Object({ queue_id: Type.String({ maxLength: 80 }), reason: Type.String({ maxLength: 200 }) }),
    { maxItems: BUNDLE_SKIPPED_MAX },
  ),
});
export type BundleEnd = Static<typeof BundleEndSchema>;

const controlLine = Compile(Type.Union([BundleStartSchema, BundlePartSchema, BundleEndSchema]));

/** The content of a last line. */
export type BundleEndFacts = Readonly<Omit<BundleEnd, 'skipped'>> & {
  readonly skipped: readonly BundleEnd['skipped'][number][];
};

/** Returns a control line in ASCII, with its line end. */
export function toBundleLine(line: Readonly<BundleStart> | Readonly<BundlePart> | BundleEndFacts): string {
  const text = JSON.stringify(line).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}

/** One item of a bundle. Items are read in the order of the file. */
export type BundleItem =
  | { readonly kind: 'start'; readonly offset: number; readonly start: BundleStart }
  /** `body` has the length and the digest that its line names. */
  | { readonly kind: 'part'; readonly header: BundlePart; readonly body: Uint8Array }
  | { readonly kind: 'end'; readonly end: BundleEnd }
  /** The bytes from `offset` are damaged; reading continues at the next control line. */
  | {
      readonly kind: 'damaged';
      readonly offset: number;
      readonly reason: string;
      readonly header: BundlePart | undefined;
    };

/** The bytes of a bundle, and the digest function that checks them. */
export interface BundleSource {
  /** Bytes [offset, offset + length), shorter only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Hex SHA-256. */
  digest(bytes: Uint8Array): string;
}

/**
 * Bytes of bodies that may be read without result, in addition to those of the file before: two of the largest parts. An honest file
 * with many damaged places needs one part more than it is long.
 */
const LOST_PARTS_FREE = 2;

/**
 * Reads a bundle from its start, with one part of at most `partSizeMaxBytes` in memory at a time. docs/spec/protocol.md R66: "A
 * reader MUST find the intact parts after a damaged place, and MUST report a bundle without an `end` line as
 * incomplete." A bundle without a `damaged` item has every part that was written. The work is bounded by the size of the file: a
 * file of lines that name large parts is not read again for each of them. Rejects only with errors of `read`.
 */
export async function* readBundle(
  source: BundleSource,
  partSizeMaxBytes: number,
): AsyncGenerator<BundleItem, void, void> {
  const window = createWindow(source);
  let contents = createContents();
  let isEnded = false;
  let lostBytes = 0;
  let offset: number | undefined = 0;
  for (;;) {
    const found: FoundLine | 'end_of_file' | undefined = await readControlLine(window, offset);
    if (found === 'end_of_file') break;
    if (found === undefined) {
      yield toDamage(offset, 'there is no line of a bundle');
      offset = await findControlLine(window, offset);
      isEnded = false;
      if (offset === undefined) break;
      continue;
    }
    const { line, next } = found;
    if (line.d3kos_bundle === 'start') {
      contents = createContents();
      isEnded = false;
      yield { kind: 'start', offset, start: line };
      offset = next;
      continue;
    }
    if (line.d3kos_bundle === 'end') {
      isEnded = true;
      const missing = contents.describeMissing(line);
      if (missing !== undefined) yield toDamage(offset, missing);
      yield { kind: 'end', end: line };
      offset = next;
      continue;
    }
    isEnded = false;
    contents.add(line);
    const lostMaxBytes = offset + LOST_PARTS_FREE * partSizeMaxBytes;
    const body: FoundBody =
      lostBytes > lostMaxBytes ? NOT_READ : await readBody(source, line, next, partSizeMaxBytes);
    if (body.kind === 'whole') {
      yield { kind: 'part', header: line, body: body.bytes };
      const [after] = await window.read(next + line.size_bytes, 1);
      offset = next + line.size_bytes + (after === LINE_END ? 1 : 0);
      continue;
    }
    lostBytes += body.lostBytes;
    yield { ...toDamage(offset, body.reason), header: line };
    // Search from the end of the part's own line: if bytes of a body are missing, the next line lies within its length.
    offset = await findControlLine(window, next - 1);
    if (offset === undefined) break;
  }
  if (!isEnded) yield toDamage(offset ?? 0, 'the end is missing: the copy is incomplete');
}

/**
 * Counts the parts and exports of a bundle. R71: "The `end` line MUST count the exports and parts before it, and a reader MUST report a
 * bundle that has fewer of either as damaged."
 */
function createContents() {
  const parts = new Set<string>();
  const exports = new Set<string>();
  return {
    add: ({ export_id, part, sha256 }: BundlePart): void => {
      parts.add(`${export_id}/${part.index} ${sha256}`);
      exports.add(export_id);
    },
    /** Returns what the last line counts and the file does not have, or undefined. */
    describeMissing: (end: BundleEnd): string | undefined => {
      if (parts.size < end.parts) return `${end.parts - parts.size} of ${end.parts} parts are missing`;
      if (exports.size < end.exports)
        return `${end.exports - exports.size} of ${end.exports} exports are missing`;
      return undefined;
    },
  };
}

function toDamage(offset: number, reason: string): Extract<BundleItem, { kind: 'damaged' }> {
  return { kind: 'damaged', offset, reason, header: undefined };
}

interface FoundLine {
  readonly line: BundleStart | BundlePart | BundleEnd;
  /** Offset of the first byte after the line. */
  readonly next: number;
}

/** Reads small pieces of a file that lie close together. */
interface Window {
  /** At least `min` bytes from `offset`, and fewer only at the end of the file. */
  read(offset: number, min: number): Promise<Uint8Array>;
}

/** Keeps the bytes around the last place that was read, so that the next line needs no further read. */
function createWindow(source: BundleSource): Window {
  let start = 0;
  let bytes: Uint8Array = new Uint8Array();
  let isAtEnd = false;
  return {
    async read(offset, min) {
      const held = offset >= start && offset <= start + bytes.length ? start + bytes.length - offset : 0;
      if (held < min && !(isAtEnd && offset >= start)) {
        bytes = await source.read(offset, WINDOW_SIZE_BYTES);
        start = offset;
        isAtEnd = bytes.length < WINDOW_SIZE_BYTES;
      }
      return bytes.subarray(Math.min(bytes.length, offset - start));
    },
  };
}

async function readControlLine(
  window: Window,
  offset: number,
): Promise<FoundLine | 'end_of_file' | undefined> {
  let bytes = await window.read(offset, BUNDLE_MARK.length);
  if (bytes.length === 0) return 'end_of_file';
  if (!startsWithMark(bytes, 0)) return undefined;
  let end = bytes.indexOf(LINE_END);
  if (end < 0) {
    bytes = await window.read(offset, LINE_LENGTH_MAX);
    end = bytes.subarray(0, LINE_LENGTH_MAX).indexOf(LINE_END);
  }
  if (end < 0) return undefined;
  let text = '';
  for (let at = 0; at < end; at += 4_096)
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 4_096)));
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    // JSON.parse throws only SyntaxError: the line is damaged.
    return undefined;
  }
  return controlLine.Check(line) ? { line, next: offset + end + 1 } : undefined;
}

type FoundBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  /** `lostBytes` were read without result. */
  | { readonly kind: 'damaged'; readonly reason: string; readonly lostBytes: number };

/** A part whose body is not read, because too many others were read without result. */
const NOT_READ: FoundBody = {
  kind: 'damaged',
  reason: 'was not read, because too many parts before it are damaged',
  lostBytes: 0,
};

async function readBody(
  source: BundleSource,
  header: BundlePart,
  offset: number,
  partSizeMaxBytes: number,
): Promise<FoundBody> {
  const toDamaged = (reason: string, lostBytes: number) => ({ kind: 'damaged', reason, lostBytes }) as const;
  if (header.size_bytes > partSizeMaxBytes)
    return toDamaged(`has ${header.size_bytes} bytes; the limit is ${partSizeMaxBytes}`, 0);
  const bytes = await source.read(offset, header.size_bytes);
  if (bytes.length < header.size_bytes) return toDamaged('is cut off', bytes.length);
  if (source.digest(bytes) !== header.sha256) return toDamaged('does not match its digest', bytes.length);
  return { kind: 'whole', bytes };
}

/** Returns the offset of the next control line that follows a line end at `from` or later. */
async function findControlLine(window: Window, from: number): Promise<number | undefined> {
  for (let offset = from; ;) {
    const bytes = await window.read(offset, BUNDLE_MARK.length + 1);
    for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1))
      if (startsWithMark(bytes, at + 1)) return offset + at + 1;
    if (bytes.length <= BUNDLE_MARK.length) return undefined;
    // The mark may cross the end of the bytes read so far.
    offset += bytes.length - BUNDLE_MARK.length;
  }
}

function startsWithMark(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < BUNDLE_MARK.length; index += 1)
    if (bytes[at + index] !== BUNDLE_MARK.charCodeAt(index)) return false;
  return true;
}
