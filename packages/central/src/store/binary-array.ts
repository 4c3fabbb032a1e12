/**
 * The element types that `createArrayWriter` supports, with their object IDs in PostgreSQL's catalog, which never change.
 */
const ELEMENT_OIDS = { text: 25, jsonb: 3802, timestamptz: 1184, 'double precision': 701 } as const;
export type ElementType = keyof typeof ELEMENT_OIDS;

/** Bytes before the first element: dimensions, flags, element type, length and lower bound. */
const HEADER_BYTES = 20;
const OFFSET_OF_FLAGS = 4;
const OFFSET_OF_LENGTH = 12;

/**
 * Maximum size of an element, not counting a string's characters: its length field, plus a jsonb version or an eight-byte number.
 */
const ELEMENT_MAX_BYTES = 12;
/** Maximum number of UTF-8 bytes for one UTF-16 code unit. */
const UTF8_PER_UNIT_MAX = 3;

/** Version number of jsonb's binary format. The JSON text follows it. */
const JSONB_VERSION = 1;

/** PostgreSQL's epoch, 2000-01-01, in milliseconds since 1970. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

/** Size of an ordinary string or record, which determines the initial size of a buffer. A full buffer doubles. */
const USUAL_BYTES = { text: 36, jsonb: 320, timestamptz: 0, 'double precision': 0 } as const;

const WORD = 2 ** 32;

/**
 * Writes milliseconds as microseconds in eight bytes, as two words, because each BigInt would be a separate object. Returns the
 * next offset.
 */
function writeMicroseconds(bytes: Buffer, ms: number, at: number): number {
  const high = Math.floor(ms / WORD);
  const low = (ms - high * WORD) * 1_000;
  const carry = Math.floor(low / WORD);
  return bytes.writeUInt32BE(low - carry * WORD, bytes.writeInt32BE(high * 1_000 + carry, at));
}

/** Collects the elements of one array parameter. */
export interface ArrayWriter {
  /** Appends a string, or JSON text for jsonb. */
  text(value: string | null): void;
  /** Appends a number, or milliseconds since 1970 for timestamptz. */
  number(value: number | null): void;
  /** Number of bytes written so far. */
  sizeBytes(): number;
  /**
   * Returns the array in PostgreSQL's binary format (`array_send` in its sources), for use as a parameter of `Queryable.query`.
   */
  finish(): Uint8Array;
}

/**
 * Creates a writer for an array of `type` with about `length` elements. PostgreSQL reads this format without scanning for quotes
 * and escapes, and Node writes it without building a string. Each array contains one column's values, for `unnest`.
 */
export function createArrayWriter(type: ElementType, length: number): ArrayWriter {
  let bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + length * (ELEMENT_MAX_BYTES + USUAL_BYTES[type]));
  let at = HEADER_BYTES;
  let count = 0;
  bytes.fill(0, 0, HEADER_BYTES);
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(ELEMENT_OIDS[type], 8);
  bytes.writeInt32BE(1, 16);

  const begin = (dataBytesMax: number) => {
    count += 1;
    const needed = at + ELEMENT_MAX_BYTES + dataBytesMax;
    if (needed <= bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * bytes.length));
    bytes.copy(grown, 0, 0, at);
    bytes = grown;
  };
  const appendNull = () => {
    begin(0);
    bytes.writeInt32BE(1, OFFSET_OF_FLAGS);
    at = bytes.writeInt32BE(-1, at);
  };
  return {
    text(value) {
      if (value === null) return appendNull();
      begin(value.length * UTF8_PER_UNIT_MAX);
      const start = at + 4;
      at = type === 'jsonb' ? bytes.writeUInt8(JSONB_VERSION, start) : start;
      at += bytes.write(value, at);
      bytes.writeInt32BE(at - start, start - 4);
    },
    number(value) {
      if (value === null) return appendNull();
      begin(0);
      at = bytes.writeInt32BE(8, at);
      at =
        type === 'timestamptz'
          ? writeMicroseconds(bytes, value - POSTGRES_EPOCH_MS, at)
          : bytes.writeDoubleBE(value, at);
    },
    sizeBytes: () => at,
    finish() {
      bytes.writeInt32BE(count, OFFSET_OF_LENGTH);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, at);
    },
  };
}
