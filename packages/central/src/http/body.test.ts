import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { decodeBody } from './body.ts';

const LIMIT_BYTES = 1_000;

for (const [coding, compress] of [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const)
  test(`a ${coding} body is decoded up to the limit and not a byte further`, () => {
    const whole = decodeBody(compress(Buffer.alloc(LIMIT_BYTES, 'x')), coding, LIMIT_BYTES);
    assert.ok(whole.kind === 'decoded');
    assert.equal(Buffer.from(whole.bytes).toString(), 'x'.repeat(LIMIT_BYTES));
    const more = decodeBody(compress(Buffer.alloc(LIMIT_BYTES + 1, 'x')), coding, LIMIT_BYTES);
    assert.equal(more.kind, 'too_large');
    assert.equal(decodeBody(Buffer.from('not compressed'), coding, LIMIT_BYTES).kind, 'damaged');
  });
