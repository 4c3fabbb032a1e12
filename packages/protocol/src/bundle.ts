import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { DocumentHeaderSchema, PartSchema } from './document.ts';
import { INSTALLATION_ID_PATTERN } from './installation.ts';

/*
 * An offline bundle carries exports to central on a USB drive. It is one file of control lines in ASCII JSON. Each `part` line is
 * followed by the part's body, byte for byte as it would be sent, and a newline. Only control lines begin with BUNDLE_MARK, so a
 * reader can find the intact parts after a damaged section (docs/spec/protocol.md R64 to R67).
 */

/** The first characters of every control line. */
export const BUNDLE_MARK = '{"d3kos_bundle":"';
/** The only format version so far. */
export const BUNDLE_VERSION = 1;
/** Maximum body size of a part in a bundle: twice central's default limit, and small enough for a boat's memory. */
export const BUNDLE_PART_SIZE_MAX_BYTES = 64 * 1_048_576;
/**
 * Maximum number of skipped exports listed in the `end` line: enough to show the reasons without exceeding the maximum line
 * length.
 */
export const BUNDLE_SKIPPED_MAX = 50;
/** Maximum length of a control line: an `end` line with the maximum number of skipped exports. */
const LINE_LENGTH_MAX = 65_536;
/**
 * Number of bytes read at a time when searching for control lines: enough for the longest line, or for hundreds of ordinary ones.
 */
const WINDOW_SIZE_BYTES = 2 * LINE_LENGTH_MAX;
const LINE_END = 10;

/** The public half of a boat's Ed25519 key: 32 bytes in base64url (RFC 8032). */
export const BUNDLE_KEY_PATTERN = '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$';

/** A signed line ends with its signature: 64 bytes in base64url. */
const SIGNED_LINE = /^(.*),"signature":"([A-Za-z0-9_-]{86})"\}$/;

/**
 * The first line names the installation that wrote the bundle, and the key that signs it. Bundles of earlier versions have no
 * key.
 */
export const BundleStartSchema = Type.Object({
  d3kos_bundle: Type.Literal('start'),
  version: Type.Literal(BUNDLE_VERSION),
  installation_id: Type.String({ pattern: INSTALLATION_ID_PATTERN }),
  created: Type.String({ maxLength: 40 }),
  software_version: Type.String({ maxLength: 40 }),
  key: Type.Optional(Type.String({ pattern: BUNDLE_KEY_PATTERN })),
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

/**
 * The last line. A bundle without an `end` line is incomplete. `skipped` lists the exports whose files the boat could not read.
 * `lines_sha256` is the `createLineDigest` value of the preceding lines. Bundles of earlier versions do not have `lines_sha256`.
 */
export const BundleEndSchema = Type.Object({
  d3kos_bundle: Type.Literal('end'),
  exports: Type.Integer({ minimum: 0 }),
  parts: Type.Integer({ minimum: 0 }),
  skipped_count: Type.Integer({ minimum: 0 }),
  skipped: Type.Array(
    Type.Object({ queue_id: Type.String({ maxLength: 80 }), reason: Type.String({ maxLength: 200 }) }),
    { maxItems: BUNDLE_SKIPPED_MAX },
  ),
  lines_sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
});
export type BundleEnd = Static<typeof BundleEndSchema>;

const controlLine = Compile(Type.Union([BundleStartSchema, BundlePartSchema, BundleEndSchema]));

/** The contents of an `end` line. */
export type BundleEndFacts = Readonly<Omit<BundleEnd, 'skipped'>> & {
  readonly skipped: readonly BundleEnd['skipped'][number][];
};

/** Signs a string, and returns the Ed25519 signature in base64url. */
export type Sign = (text: string) => string;

/**
 * Returns a control line in ASCII, including its newline. With `sign`, its last member is the signature of the preceding members.
 */
export function toBundleLine(
  line: Readonly<BundleStart> | Readonly<BundlePart> | BundleEndFacts,
  sign?: Sign,
): string {
  const text = JSON.stringify(line).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return sign === undefined ? `${text}\n` : `${text.slice(0, -1)},"signature":"${sign(text)}"}\n`;
}

/**
 * Returns the text that a line's signature covers (docs/spec/protocol.md R79): a prefix with the installation ID, then the line
 * without its signature. The prefix makes the signature useless in any other context.
 */
export function toSignedText(installationId: string, text: string): string {
  return `d3kOS bundle of ${installationId}\n${text}`;
}

/** A control line as it appears in the file. */
export interface WrittenLine {
  readonly offset: number;
  /** The line without its signature. */
  readonly text: string;
  /** Undefined if the line is not signed. */
  readonly signature: string | undefined;
}

function toWrittenLine(offset: number, whole: string): WrittenLine {
  const [, before, signature] = SIGNED_LINE.exec(whole) ?? [];
  return before === undefined
    ? { offset, text: whole, signature }
    : { offset, text: `${before}}`, signature };
}

/** A digest of the control lines of one bundle, in file order. */
export interface LineDigest {
  /** Adds a line, without its newline. */
  add(line: string): void;
  /** Hex SHA-256. */
  value(): string;
}

/** Creates a chained digest. For each line, it is the SHA-256 of the previous digest (in hex) followed by the line. */
export function createLineDigest(digest: BundleSource['digest']): LineDigest {
  let value = '';
  return {
    add: (line) => {
      value = digest(Uint8Array.from(value + line, (character) => character.charCodeAt(0)));
    },
    value: () => value,
  };
}

/** An item of a bundle. Items are read in file order. */
export type BundleItem =
  | { readonly kind: 'start'; readonly line: WrittenLine; readonly start: BundleStart }
  /** `body` has the length and the digest stated in its control line. */
  | {
      readonly kind: 'part';
      readonly line: WrittenLine;
      readonly header: BundlePart;
      readonly body: Uint8Array;
    }
  | { readonly kind: 'end'; readonly line: WrittenLine; readonly end: BundleEnd }
  /** The bytes from `offset` on are damaged. Reading continues at the next control line. */
  | {
      readonly kind: 'damaged';
      readonly offset: number;
      readonly reason: string;
      readonly header: BundlePart | undefined;
    };

/** Access to the bytes of a bundle, and the digest function used to check them. */
export interface BundleSource {
  /** Reads the bytes [offset, offset + length). The result is shorter only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Hex SHA-256. */
  digest(bytes: Uint8Array): string;
}

/**
 * Allowance for body bytes read without yielding a part, in addition to the file bytes already passed: two parts of maximum size.
 * A genuine file with many damaged sections needs one more part than its own length.
 */
const LOST_PARTS_FREE = 2;

/**
 * Reads a bundle from its start, with one part of at most `partSizeMaxBytes` in memory at a time. docs/spec/protocol.md R66: "A
 * reader MUST find the intact parts after a damaged place, and MUST report a bundle without an `end` line as incomplete." A
 * bundle without a `damaged` item has every part that was written. The work is proportional to the size of the file, even if many
 * lines claim large parts. Rejects only with errors of `read`.
 */
export async function* readBundle(
  source: BundleSource,
  partSizeMaxBytes: number,
): AsyncGenerator<BundleItem, void, void> {
  const window = createWindow(source);
  let contents = createContents(source);
  let isEnded = false;
  let lostBytes = 0;
  let offset: number | undefined = 0;
  for (;;) {
    const found: FoundLine | 'end_of_file' | undefined = await readControlLine(window, offset);
    if (found === 'end_of_file') break;
    if (found === undefined) {
      contents.noteDamage();
      yield toDamage(offset, 'it is not a line of a bundle');
      offset = await findControlLine(window, offset);
      isEnded = false;
      if (offset === undefined) break;
      continue;
    }
    const { line, text, next } = found;
    if (line.d3kos_bundle === 'start') {
      if (!contents.isEmpty()) yield toDamage(offset, 'the previous bundle has no end line');
      contents = createContents(source);
      contents.add(line, text);
      isEnded = false;
      yield { kind: 'start', line: toWrittenLine(offset, text), start: line };
      offset = next;
      continue;
    }
    if (line.d3kos_bundle === 'end') {
      isEnded = true;
      const missing = contents.describeMissing(line);
      if (missing !== undefined) yield toDamage(offset, missing);
      contents = createContents(source);
      yield { kind: 'end', line: toWrittenLine(offset, text), end: line };
      offset = next;
      continue;
    }
    isEnded = false;
    contents.add(line, text);
    const lostMaxBytes = offset + LOST_PARTS_FREE * partSizeMaxBytes;
    const body: FoundBody =
      lostBytes > lostMaxBytes ? NOT_READ : await readBody(source, line, next, partSizeMaxBytes);
    if (body.kind === 'whole') {
      yield { kind: 'part', line: toWrittenLine(offset, text), header: line, body: body.bytes };
      const [after] = await window.read(next + line.size_bytes, 1);
      offset = next + line.size_bytes + (after === LINE_END ? 1 : 0);
      continue;
    }
    lostBytes += body.lostBytes;
    contents.noteDamage();
    yield { ...toDamage(offset, body.reason), header: line };
    // Search from the end of the part's control line: if the body lacks bytes, the next control line starts within its stated
    // length.
    offset = await findControlLine(window, next - 1);
    if (offset === undefined) break;
  }
  if (!isEnded) yield toDamage(offset ?? 0, 'the end line is missing: the copy is incomplete');
}

/**
 * Tracks the parts, exports and lines read from a bundle, to check them against the `end` line. R71: "The `end` line MUST state
 * the number of exports and parts before it, and a reader MUST report a bundle with fewer exports or parts as damaged." R80:
 * "The `end` line of a signed bundle MUST have the digest of the lines before it, and a reader MUST report a bundle with
 * different lines, or with lines in a different order, as damaged."
 */
function createContents(source: BundleSource) {
  const parts = new Set<string>();
  const exports = new Set<string>();
  const lines = createLineDigest(source.digest);
  let isEmpty = true;
  let isDamaged = false;
  return {
    isEmpty: () => isEmpty,
    /** Once damage has been reported, the line digest is no longer compared. */
    noteDamage: (): void => {
      isDamaged = true;
    },
    add: (line: BundleStart | BundlePart, text: string): void => {
      isEmpty = false;
      lines.add(text);
      if (line.d3kos_bundle === 'start') return;
      parts.add(`${line.export_id}/${line.part.index} ${line.sha256}`);
      exports.add(line.export_id);
    },
    /** Describes how the file differs from its `end` line. Returns undefined if they agree. */
    describeMissing: (end: BundleEnd): string | undefined => {
      if (parts.size < end.parts) return `${end.parts - parts.size} of ${end.parts} parts are missing`;
      if (exports.size < end.exports)
        return `${end.exports - exports.size} of ${end.exports} exports are missing`;
      if (!isDamaged && end.lines_sha256 !== undefined && end.lines_sha256 !== lines.value())
        return 'parts were replaced, added or reordered';
      return undefined;
    },
  };
}

function toDamage(offset: number, reason: string): Extract<BundleItem, { kind: 'damaged' }> {
  return { kind: 'damaged', offset, reason, header: undefined };
}

interface FoundLine {
  readonly line: BundleStart | BundlePart | BundleEnd;
  /** The line in ASCII, without its line ending. */
  readonly text: string;
  /** Offset of the first byte after the line. */
  readonly next: number;
}

/** Reads small, neighbouring ranges of a file efficiently. */
interface Window {
  /** Returns at least `min` bytes from `offset` on. It returns fewer only at the end of the file. */
  read(offset: number, min: number): Promise<Uint8Array>;
}

/** Buffers the bytes around the last read, so that the next line rarely needs another read. */
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
    // JSON.parse throws only SyntaxError, which means that the line is damaged.
    return undefined;
  }
  return controlLine.Check(line) ? { line, text, next: offset + end + 1 } : undefined;
}

type FoundBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  /** `lostBytes` is the number of bytes that were read without yielding a part. */
  | { readonly kind: 'damaged'; readonly reason: string; readonly lostBytes: number };

/** The result for a part that is not read because too many bytes before it yielded no part. */
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

/** Returns the offset of the next control line that follows a line ending at `from` or later. */
async function findControlLine(window: Window, from: number): Promise<number | undefined> {
  for (let offset = from; ;) {
    const bytes = await window.read(offset, BUNDLE_MARK.length + 1);
    for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1))
      if (startsWithMark(bytes, at + 1)) return offset + at + 1;
    if (bytes.length <= BUNDLE_MARK.length) return undefined;
    // `BUNDLE_MARK` may straddle two reads.
    offset += bytes.length - BUNDLE_MARK.length;
  }
}

function startsWithMark(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < BUNDLE_MARK.length; index += 1)
    if (bytes[at + index] !== BUNDLE_MARK.charCodeAt(index)) return false;
  return true;
}
