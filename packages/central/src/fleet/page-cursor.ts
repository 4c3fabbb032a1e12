/** The end of a page: the sort-column values of its last row. */
export type PageCursor = readonly (string | number | null)[];

/** Maximum cursor length. The longest cursors contain a record ID. */
export const CURSOR_LENGTH_MAX = 1_000;

/** Encodes a cursor as a query parameter value. */
export function toCursorText(cursor: PageCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Decodes a cursor with this many values. Returns undefined for a string that `toCursorText` did not write. */
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
