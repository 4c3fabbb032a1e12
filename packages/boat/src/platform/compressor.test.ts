import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { createCompressor } from './compressor.ts';

const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync } as const;
const lines = Array.from({ length: 2_000 }, (_, index) => `{"record_id":"${index}","entry_type":"voice"}`);
const document = Buffer.from(lines.join(',\n'));

describe('compression', () => {
  for (const coding of ['gzip', 'br', 'zstd'] as const) {
    it(`with ${coding} is reversible and deterministic`, async () => {
      const { compress } = createCompressor();
      for (const bytes of [document, randomBytes(70_000), new Uint8Array()]) {
        const [first, second] = await Promise.all([compress(bytes, coding), compress(bytes, coding)]);
        assert.deepEqual(new Uint8Array(DECODERS[coding](first)), new Uint8Array(bytes));
        assert.deepEqual(first, second);
      }
    });

    it(`with ${coding} makes a document at least five times smaller`, async () => {
      const compressed = await createCompressor().compress(document, coding);
      assert.ok(compressed.byteLength * 5 < document.byteLength);
    });
  }

  it('uses windows no larger than the document needs, including at central', async () => {
    const { compress } = createCompressor();
    // 80 KB need a window of 128 KiB. A stream of unknown length would need 4 MiB to decode.
    const params = { [constants.ZSTD_d_windowLogMax]: 17 };
    assert.deepEqual(zstdDecompressSync(await compress(document, 'zstd'), { params }), document);
    // The first seven bits of a brotli stream encode its window size (RFC 7932, 9.1). 1 stands for 17 bits, which is 128 KiB.
    const [first = 0] = await compress(document, 'br');
    assert.equal(first & 0x7f, 1);
  });
});
