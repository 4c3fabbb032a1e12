import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAcceptEncoding, parseRetryAfter } from './http-headers.ts';

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  const table: readonly (readonly [value: string, delayMs: number | undefined])[] = [
    ['120', 120_000],
    [' 0 ', 0],
    ['Mon, 23 Nov 2026 12:05:00 GMT', 300_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['', undefined],
    ['Mon, 45 Nov 2026 12:05:00 GMT', undefined],
    ['2026-11-23T12:05:00Z', undefined],
  ];
  for (const [value, delayMs] of table)
    it(`"${value}" requests a wait of ${delayMs} ms`, () =>
      assert.equal(parseRetryAfter(value, now), delayMs));
});

describe('Accept-Encoding', () => {
  it('offers the codings that it lists without refusing them', () => {
    assert.deepEqual(parseAcceptEncoding('gzip, br;q=0.5, zstd, deflate'), ['gzip', 'br', 'zstd']);
    assert.deepEqual(parseAcceptEncoding('GZIP, zstd;q=0, br; q=0.000'), ['gzip']);
    assert.deepEqual(parseAcceptEncoding(null), []);
  });
});
