/** Where a page of a list ends: the values of its last row, by which the list is ordered. */
export type PageCursor = readonly (string | number | null)[];

/** Most characters of a cursor. The longest one has a record id. */
export const CURSOR_LENGTH_MAX = 1_000;

/** Writes a cursor as a value for a query parameter. */
export function toCursorText(cursor: PageCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Reads a cursor with this many values. Undefined for a text that `toCursorText` did not write. */
export function parseCursor(text: string, length: number): PageCursor | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(value) && value.length === length && value.every(isPlain) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPlain(value: unknown): value is string | number | null {
  return value === null || typeof value === 'number' || (typeof value === 'string' && !value.includes('\0'));
}
