import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nextPageRows, PAGE_ROWS } from './page-rows.ts';

describe('page sizes', () => {
  it('stay within their limits and shrink after a slow page', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (rows, tookMs) => {
          const next = nextPageRows(rows, tookMs);
          assert.ok(next >= PAGE_ROWS.min && next <= Math.max(rows, PAGE_ROWS.max));
          if (tookMs > 10) assert.ok(next < rows || next === PAGE_ROWS.min);
        },
      ),
    );
  });
});
