import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { createCompressor } from './compressor.ts';

const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync } as const;
const lines = Array.from({ length: 2_000 }, (_, index) => `{"record_id":"${index}","entry_type":"voice"}`);
const document = Buffer.from(lines.join(',\n'));

describe('compression', () => {
  for (const coding of ['gzip', 'br', 'zstd'] as const) {
    it(`of ${coding} is undone by its decoder, and the same bytes give the same result`, async () => {
      const { compress } = createCompressor();
      for (const bytes of [document, randomBytes(70_000), new Uint8Array()]) {
        const [first, second] = await Promise.all([compress(bytes, coding), compress(bytes, coding)]);
        assert.deepEqual(new Uint8Array(DECODERS[coding](first)), new Uint8Array(bytes));
        assert.deepEqual(first, second);
      }
    });

    it(`of ${coding} makes a document at least five times smaller`, async () => {
      const compressed = await createCompressor().compress(document, coding);
      assert.ok(compressed.byteLength * 5 < document.byteLength);
    });
  }
});
