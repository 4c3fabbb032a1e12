import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { DECODED_RATIO_FREE_BYTES, DECODED_RATIO_MAX, decodeBody } from './decode-body.ts';

const LIMIT_BYTES = 1_000;

for (const [coding, compress] of [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const)
  test(`a ${coding} body is decoded up to the exact limit`, () => {
    const whole = decodeBody(compress(Buffer.alloc(LIMIT_BYTES, 'x')), coding, LIMIT_BYTES);
    assert.ok(whole.kind === 'decoded');
    assert.equal(Buffer.from(whole.bytes).toString(), 'x'.repeat(LIMIT_BYTES));
    const more = decodeBody(compress(Buffer.alloc(LIMIT_BYTES + 1, 'x')), coding, LIMIT_BYTES);
    assert.equal(more.kind, 'too_large');
    assert.equal(decodeBody(Buffer.from('not compressed'), coding, LIMIT_BYTES).kind, 'damaged');
  });

test('decodes an ordinary part at any ratio, but a larger body only up to the ratio limit', () => {
  const freeBytes = DECODED_RATIO_FREE_BYTES;
  const within = decodeBody(zstdCompressSync(Buffer.alloc(freeBytes, ' ')), 'zstd', 16 * freeBytes);
  assert.equal(within.kind, 'decoded');
  for (const [coding, compress] of [
    ['br', brotliCompressSync],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    const bomb = decodeBody(compress(Buffer.alloc(2 * freeBytes, ' ')), coding, 16 * freeBytes);
    assert.equal(bomb.kind, 'too_compressed', coding);
  }
  // A body without repetition stays below the ratio.
  const text = Buffer.from(randomBytes(freeBytes).toString('hex'));
  const body = gzipSync(text, { level: 1 });
  assert.ok(text.length > freeBytes && text.length < body.length * DECODED_RATIO_MAX);
  assert.equal(decodeBody(body, 'gzip', 16 * freeBytes).kind, 'decoded');
});
