import { isUtf8 } from 'node:buffer';
import type { Page } from './collector.ts';

/** Size at which a page of gathered lines is given out: its memory comes and goes in pieces that are reused. */
const PAGE_SIZE_BYTES = 64 * 1024;
/** Most bytes of UTF-8 that a unit of UTF-16 takes. */
const UNIT_SIZE_MAX_BYTES = 3;

/** What parts one line of an export file from the next: two characters, two bytes. */
export const LINE_SEPARATOR = ',\n';

/** Lines made by `toLine`, gathered into pages. */
export interface LineBuffer {
  add(line: string): void;
  /** Whether they should be given out before more are made. */
  isFull(): boolean;
  /** What was gathered since the last page; undefined where nothing was. */
  take(): Page | undefined;
}

/**
 * Gathers lines as bytes: texts that wait until a page is full outlive two young collections of garbage, and wait as
 * garbage for one of the whole heap, which comes after tens of MB.
 */
export function createLineBuffer(): LineBuffer {
  let memory = Buffer.from(new ArrayBuffer(0));
  let sizeBytes = 0;
  let count = 0;
  return {
    add(line) {
      const neededBytes = sizeBytes + LINE_SEPARATOR.length + line.length * UNIT_SIZE_MAX_BYTES;
      if (neededBytes > memory.length)
        memory = Buffer.from(memory.buffer.transfer(Math.max(neededBytes, 2 * PAGE_SIZE_BYTES)));
      sizeBytes += memory.write(LINE_SEPARATOR, sizeBytes, 'latin1');
      sizeBytes += memory.write(line, sizeBytes, 'utf8');
      count += 1;
    },
    isFull: () => sizeBytes >= PAGE_SIZE_BYTES,
    take() {
      if (count === 0) return undefined;
      const page = toBytesPage(new Uint8Array(memory.buffer.transfer(sizeBytes)), count);
      memory = Buffer.from(new ArrayBuffer(0));
      sizeBytes = 0;
      count = 0;
      return page;
    },
  };
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
    release: () => releaseBuffer(clean),
  };
}

/** Gives the memory of bytes back, which are of no more use; where they share it with others, nothing happens. */
export function releaseBuffer({ buffer, byteLength }: Uint8Array): void {
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
