import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import type { Compressor } from './ports.ts';

/*
 * Levels by what was measured on a 100,000-row export and another 20 MB log (decision 0015). A Pi is
 * about four times slower than that machine: at 20 MB/s there, a part of 1 MiB takes it 0.2 s, and a boat's link longer.
 */

/** 55.3 bytes a row at 41 MB/s, 4.72 times on the other log; higher levels cost time and give almost nothing. */
const GZIP_LEVEL = 6;
/** 48.6 bytes a row at 20 MB/s, 5.09 times. */
const BROTLI_QUALITY = 5;
/** 47.2 bytes a row at 23 MB/s, 5.20 times: the fewest bytes of all, at brotli's speed. */
const ZSTD_LEVEL = 9;

/** Brotli's windows in bits: the smallest there is, and its own choice. */
const BROTLI_WINDOW_MIN_BITS = 10;
const BROTLI_WINDOW_MAX_BITS = 22;

const runGzip = promisify(gzip);
const runBrotli = promisify(brotliCompress);
const runZstd = promisify(zstdCompress);

/**
 * Compression on the threads behind Node: the event loop only waits. Equal bytes give equal results. Windows and tables are
 * no larger than the body needs: unasked, zstd takes 12 MB for every body, however short, on each thread, for the same bytes.
 */
export function createCompressor(): Compressor {
  return {
    compress: (bytes, coding) => {
      switch (coding) {
        case 'gzip':
          return runGzip(bytes, { level: GZIP_LEVEL });
        case 'br':
          return runBrotli(bytes, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
              [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
              [constants.BROTLI_PARAM_LGWIN]: toBrotliWindowBits(bytes.byteLength),
            },
          });
        case 'zstd':
          return runZstd(bytes, {
            params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
            pledgedSrcSize: bytes.byteLength,
          });
        default:
          return coding satisfies never;
      }
    },
  };
}

/** A window that reaches over the whole body; 16 bytes of it are not usable (RFC 7932, 9.1). */
function toBrotliWindowBits(sizeBytes: number): number {
  const bits = Math.ceil(Math.log2(sizeBytes + 16));
  return Math.min(Math.max(bits, BROTLI_WINDOW_MIN_BITS), BROTLI_WINDOW_MAX_BITS);
}
