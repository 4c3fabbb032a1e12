/**
 * Number of rows on the first page, and the minimum and maximum for later pages. Pages of more than 2,048 rows are not faster,
 * and a page of 1 row allows rows of any size.
 */
export const PAGE_ROWS = { first: 256, min: 1, max: 2048 } as const;
/**
 * Target duration of a page: a fifth of the 50 ms for which the event loop may block, because some pages take longer than
 * predicted.
 */
export const PAGE_TARGET_MS = 10;

/** Returns the number of rows for the next page, given how long the last one took. */
export function nextPageRows(rows: number, tookMs: number): number {
  if (tookMs > PAGE_TARGET_MS) return Math.max(PAGE_ROWS.min, Math.floor(rows / 2));
  if (tookMs < PAGE_TARGET_MS / 2) return Math.min(PAGE_ROWS.max, rows * 2);
  return rows;
}
