import { isUtf8 } from 'node:buffer';
import type { Page } from './collector.ts';

/** Text of a page that collectors gather lines into: large enough to be worth a write, small beside the daemon's memory. */
const PAGE_LENGTH = 256 * 1024;
/** Most lines gathered into one page. */
const PAGE_LINES_MAX = 500;

/** What parts one line of an export file from the next: two characters, two bytes. */
export const LINE_SEPARATOR = ',\n';

/** Whether gathered lines should be given out before more are made. */
export function isPageFull(lines: readonly string[]): boolean {
  if (lines.length >= PAGE_LINES_MAX) return true;
  let length = 0;
  for (const line of lines) length += line.length;
  return length >= PAGE_LENGTH;
}

/** A page of lines made by `toLine`. */
export function toPage(lines: readonly string[]): Page {
  return { lines: lines.join(LINE_SEPARATOR), count: lines.length };
}

/**
 * A page of bytes made by SQLite, each line with the separator before it. SQLite passes on text that is not UTF-8 as
 * it lies in the source: such bytes become U+FFFD here. They never hide a line end or a quote, which are ASCII.
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
    release: () => giveBack(clean),
  };
}

/** Gives the memory of bytes back, which are of no more use; where they share it with others, nothing happens. */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** A record as one line of JSON: numbers that JSON has not are null, halves of surrogate pairs are U+FFFD. */
export function toLine(record: { readonly record_id: string } & Readonly<Record<string, unknown>>): string {
  const line = JSON.stringify(record);
  // JSON.stringify writes a half as an escape, which is where it can be seen cheaply; a text may also hold those characters itself.
  return /\\ud[89a-f]/i.test(line)
    ? JSON.stringify(record, (_, value: unknown) => toWellFormed(value))
    : line;
}

function toWellFormed(value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}
