/** Content codings that the boat can send. */
export type Coding = 'gzip' | 'br' | 'zstd';

/**
 * Level of each coding, chosen from measurements on an export of 100,000 rows and on a 20 MB log (decision 0015). A Raspberry Pi
 * is about four times slower than the machine used for the measurements. A coding that reaches 20 MB/s on that machine compresses
 * a 1 MiB part in 0.2 s on the Pi, which is less time than a boat's link needs to send it.
 */
export const COMPRESSION_LEVELS: Readonly<Record<Coding, number>> = {
  /** 55.3 bytes a row at 41 MB/s; the log shrinks by a factor of 4.72. Higher levels take more time and save almost nothing. */
  gzip: 6,
  /** 48.6 bytes a row at 20 MB/s; the log shrinks by a factor of 5.09. */
  br: 5,
  /**
   * 47.2 bytes a row at 23 MB/s; the log shrinks by a factor of 5.20. This level gives the fewest bytes at about brotli's speed.
   */
  zstd: 9,
};

/** Limits of the brotli window: the smallest possible size, and brotli's default. */
const BROTLI_WINDOW_MIN_BITS = 10;
const BROTLI_WINDOW_MAX_BITS = 22;

/**
 * Returns the smallest brotli window that covers a whole body. 16 bytes of each window cannot be used (RFC 7932, section 9.1).
 */
export function toBrotliWindowBits(sizeBytes: number): number {
  const bits = Math.ceil(Math.log2(sizeBytes + 16));
  return Math.min(Math.max(bits, BROTLI_WINDOW_MIN_BITS), BROTLI_WINDOW_MAX_BITS);
}
