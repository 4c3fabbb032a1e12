import { RECORD_SIZE_MAX_BYTES, RECORD_VALUES_MAX } from '@d3kos/protocol';
import { OUTER_VALUES_MAX, RECORDS_MAX, VALUES_MAX } from './document-limits.ts';

/** The byte range of a record that exceeds a limit. */
export interface OversizedRecord {
  readonly start: number;
  readonly end: number;
  readonly exceeded: 'values' | 'bytes';
}

/** The contents of a document, counted in its raw bytes, or the first limit that it exceeds. */
export type DocumentScan =
  | {
      readonly kind: 'within_limits';
      readonly oversized: readonly OversizedRecord[];
      /** True if a JavaScript number might change a number outside strings: 16 digits, an exponent, or a negative zero. */
      readonly mayHaveExactNumber: boolean;
      /**
       * True if no string has a `\u` escape (the only way to write NUL or half of a surrogate pair), `mayHaveExactNumber` is
       * false, nothing nests deeper than PLAIN_DEPTH_MAX, and no record is oversized.
       */
      readonly isPlain: boolean;
    }
  | { readonly kind: 'too_many_records' | 'too_many_values' };

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const POINT = 0x2e;
const MINUS = 0x2d;
const ZERO = 0x30;
const LETTER_U = 0x75;

/** Nesting depth of a section's members: the document, `data` and the section. Containers at this depth hold records. */
const SECTION_DEPTH = 3;

/** Maximum nesting of a plain document: an ordinary record has one level, and the deepest known record has six. */
const PLAIN_DEPTH_MAX = 32;

/** JavaScript may round numbers with this many digits or more. */
const LONG_DIGITS = 16;

/**
 * Counts the records and values of a document in one pass over its bytes, without parsing. Every element of a list in a section
 * counts as a record, and so does an object in a section. The counts are exact for valid JSON. Other text ends the scan without a
 * result and is then rejected by the parser.
 */
export function scanDocument(bytes: Uint8Array): DocumentScan {
  const oversized: OversizedRecord[] = [];
  let depth = 0;
  let values = 0;
  let outerValues = 0;
  let records = 0;
  let isList = false;
  let recordStart = 0;
  let valuesBefore = 0;
  let digits = 0;
  let mayHaveExactNumber = false;
  let hasNumberedEscape = false;
  let deepest = 0;
  const endRecord = (end: number) => {
    const exceeded = judgeRecord(values - valuesBefore, end - recordStart);
    if (exceeded !== undefined) oversized.push({ start: recordStart, end, exceeded });
    recordStart = end + 1;
    valuesBefore = values;
  };
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      digits += 1;
      if (digits === LONG_DIGITS) mayHaveExactNumber = true;
      continue;
    }
    if (byte === POINT) continue;
    if (digits > 0 && isExponent(byte)) mayHaveExactNumber = true;
    digits = 0;
    if (byte === MINUS) {
      if (bytes[at + 1] === ZERO) mayHaveExactNumber = true;
    } else if (byte === QUOTE) {
      for (at += 1; at < bytes.length && bytes[at] !== QUOTE; at += 1)
        if (bytes[at] === BACKSLASH) {
          at += 1;
          if (bytes[at] === LETTER_U) hasNumberedEscape = true;
        }
    } else if (byte === COMMA) {
      values += 1;
      if (depth === SECTION_DEPTH + 1 && isList) {
        endRecord(at);
        records += 1;
      } else if (depth <= SECTION_DEPTH) outerValues += 1;
    } else if (byte === 0x5b || byte === 0x7b) {
      values += 1;
      if (depth === SECTION_DEPTH) {
        isList = byte === 0x5b;
        records += 1;
        recordStart = isList ? at + 1 : at;
        valuesBefore = values;
      } else if (depth < SECTION_DEPTH) outerValues += 1;
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth -= 1;
      if (depth === SECTION_DEPTH) endRecord(isList ? at : at + 1);
    }
    if (values > VALUES_MAX || outerValues > OUTER_VALUES_MAX) return { kind: 'too_many_values' };
    if (records > RECORDS_MAX) return { kind: 'too_many_records' };
  }
  const isPlain =
    !hasNumberedEscape && !mayHaveExactNumber && deepest <= PLAIN_DEPTH_MAX && oversized.length === 0;
  return { kind: 'within_limits', oversized, mayHaveExactNumber, isPlain };
}

function isExponent(byte: number): boolean {
  return byte === 0x65 || byte === 0x45;
}

function judgeRecord(values: number, sizeBytes: number): OversizedRecord['exceeded'] | undefined {
  if (values > RECORD_VALUES_MAX) return 'values';
  return sizeBytes > RECORD_SIZE_MAX_BYTES ? 'bytes' : undefined;
}

/**
 * Key of the object that replaces an oversized record. No boat's record has this key. Its value is the record's index.
 */
export const OVERSIZED_KEY = '\u0000oversized';

/**
 * R68: "If a record exceeds central's limits on values or bytes, central MUST reject only that record and store the others."
 * Returns the document with each oversized record replaced by an object (see OVERSIZED_KEY), so that an oversized record is
 * never parsed.
 */
export function cutOversized(bytes: Uint8Array, oversized: readonly OversizedRecord[]): Uint8Array {
  if (oversized.length === 0) return bytes;
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const [index, { start, end }] of oversized.entries()) {
    pieces.push(bytes.subarray(from, start), Buffer.from(JSON.stringify({ [OVERSIZED_KEY]: index })));
    from = end;
  }
  return Buffer.concat([...pieces, bytes.subarray(from)]);
}

/** Number of bytes at the beginning of an oversized record that are searched for its ID. */
const ID_SEARCH_BYTES = 1_024;

/** Returns the ID of an oversized record if it is near the beginning of the record, otherwise an empty string. */
export function findRecordId(bytes: Uint8Array, { start, end }: OversizedRecord): string {
  const text = Buffer.from(bytes.subarray(start, Math.min(end, start + ID_SEARCH_BYTES))).toString('utf8');
  return /"record_id"\s{0,8}:\s{0,8}"([^"\\]{1,300})"/.exec(text)?.[1] ?? '';
}
