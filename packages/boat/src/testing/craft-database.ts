import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const PAGE_BYTES = 4_096;
/** Number of references from each level to the page below, high enough that a scan of all levels never ends. */
const REFERENCES = 300;
const LEVELS = 12;
/** A row ID higher than any existing one. */
const KEY = 100;

/** Writes the database that `sql` creates, replacing any file at `path`. */
export function writeDatabase(path: string, sql: string): void {
  rmSync(path, { force: true, recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA synchronous = OFF; ${sql}`);
  db.close();
}

/**
 * Writes a database in which the rows of `table`, which fit on one page, repeat endlessly: each page of its tree refers to the
 * page below many times. SQLite does not detect this. `sqlite_schema` stands for the schema itself.
 */
export function writeEndlessTable(path: string, table: string, sql: string): void {
  writeDatabase(path, sql);
  const db = new DatabaseSync(path);
  const row = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table);
  db.close();
  const root = Number(row?.['rootpage'] ?? 1);
  const bytes = readFileSync(path);
  const pages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) pages.push(bytes.subarray(at, at + PAGE_BYTES));
  const start = root === 1 ? 100 : 0;
  const leaf = toLeaf(pages[root - 1] ?? Buffer.alloc(PAGE_BYTES), start);
  const leafNo = pages.push(leaf);
  for (let level = 0; level < LEVELS; level += 1) pages.push(toInterior(leafNo + level, 0));
  const top = toInterior(leafNo + LEVELS, start);
  if (start > 0) bytes.copy(top, 0, 0, start);
  pages[root - 1] = top;
  const whole = Buffer.concat(pages);
  // The number of pages (SQLite file format, section 1.3).
  whole.writeUInt32BE(pages.length, 28);
  writeFileSync(path, whole);
}

/**
 * Returns a leaf page without the file header that precedes the first page's content. Cell offsets are relative to the start of
 * the page.
 */
function toLeaf(page: Buffer, start: number): Buffer {
  const leaf = Buffer.from(page);
  const headBytes = 8 + 2 * page.readUInt16BE(start + 3);
  page.copy(leaf, 0, start, start + headBytes);
  return leaf;
}

function toInterior(child: number, start: number): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  const cellBytes = 5;
  const content = PAGE_BYTES - REFERENCES * cellBytes;
  page[start] = 5;
  page.writeUInt16BE(REFERENCES, start + 3);
  page.writeUInt16BE(content, start + 5);
  page.writeUInt32BE(child, start + 8);
  for (let index = 0; index < REFERENCES; index += 1) {
    const at = content + index * cellBytes;
    page.writeUInt32BE(child, at);
    page[at + 4] = KEY;
    page.writeUInt16BE(at, start + 12 + 2 * index);
  }
  return page;
}
