import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { COMPRESSION_LEVELS, toBrotliWindowBits } from './policy/compression.ts';
import type { Compressor } from './ports.ts';

const runGzip = promisify(gzip);
const runBrotli = promisify(brotliCompress);
const runZstd = promisify(zstdCompress);

/**
 * Creates a compressor that runs on Node's threads, so that it does not block the event loop. Equal input always gives equal
 * output. Windows and tables are no larger than the body requires. Without a pledged size, zstd would use 12 MB per thread even
 * for a small body (decision 0023).
 */
export function createCompressor(): Compressor {
  return {
    compress: (bytes, coding) => {
      switch (coding) {
        case 'gzip':
          return runGzip(bytes, { level: COMPRESSION_LEVELS.gzip });
        case 'br':
          return runBrotli(bytes, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: COMPRESSION_LEVELS.br,
              [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
              [constants.BROTLI_PARAM_LGWIN]: toBrotliWindowBits(bytes.byteLength),
            },
          });
        case 'zstd':
          return runZstd(bytes, {
            params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVELS.zstd },
            pledgedSrcSize: bytes.byteLength,
          });
        default:
          return coding satisfies never;
      }
    },
  };
}
