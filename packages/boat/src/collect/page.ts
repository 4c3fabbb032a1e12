import { isUtf8 } from 'node:buffer';
import { type BoundedRecord, isTooLarge, withoutLargeFields } from './bounded-record.ts';
import type { Page } from './collector.ts';

/** Length at which a page of collected lines is complete, in characters. Small pages create little garbage in the daemon. */
const PAGE_LENGTH = 64 * 1024;

/** Separator between two lines of an export file: two characters, encoded as two bytes. */
export const LINE_SEPARATOR = ',\n';

/** Collects lines created by `toLine` into pages. */
export interface LineBuffer {
  add(line: string): void;
  /** True if a page is complete and should be taken before more lines are added. */
  isFull(): boolean;
  /** The lines added since the last page, or undefined if there are none. */
  take(): Page | undefined;
}

export function createLineBuffer(): LineBuffer {
  let lines: string[] = [];
  let length = 0;
  return {
    add(line) {
      lines.push(line);
      length += line.length;
    },
    isFull: () => length >= PAGE_LENGTH,
    take() {
      if (lines.length === 0) return undefined;
      const page = toPage(lines);
      lines = [];
      length = 0;
      return page;
    },
  };
}

/** Creates a page from lines created by `toLine`. */
export function toPage(lines: readonly string[]): Page {
  return { lines: lines.join(LINE_SEPARATOR), count: lines.length };
}

/**
 * Creates a page from bytes that SQLite formatted, with the separator before each line. SQLite copies invalid UTF-8 from the
 * source unchanged, and this function replaces the invalid bytes with U+FFFD. The invalid bytes cannot hide a newline or a quote,
 * which are ASCII.
 */
export function toBytesPage(separated: Uint8Array, count: number): Page {
  const clean = isUtf8(separated) ? separated : Buffer.from(new TextDecoder().decode(separated), 'utf8');
  const bytes = clean.subarray(LINE_SEPARATOR.length);
  return {
    bytes,
    separated: clean,
    count,
    get lines() {
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    },
    release: () => releaseBuffer(clean),
  };
}

/** Releases the memory of bytes that are no longer used. Has no effect on bytes that share their memory with other data. */
export function releaseBuffer({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * Formats a record as one line of JSON. NaN and infinities become null, and lone surrogates become U+FFFD. A record beyond
 * central's limits loses its large fields and names them in `too_large`.
 */
export function toLine(record: BoundedRecord): string {
  const line = format(record);
  return isTooLarge(line) ? format(withoutLargeFields(record)) : line;
}

function format(record: BoundedRecord): string {
  const line = JSON.stringify(record);
  // JSON.stringify escapes a lone surrogate, so searching the line is a cheap test. The text itself may contain the same
  // characters as an escape, which is harmless.
  return /\\ud[89a-f]/i.test(line)
    ? JSON.stringify(record, (_, value: unknown) => toWellFormed(value))
    : line;
}

function toWellFormed(value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}
