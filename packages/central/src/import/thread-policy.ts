/**
 * Maximum size, as received and as decoded, of a body that the main thread decodes and prepares. This takes at most 3 ms, less
 * than passing the body to another thread and back (decision 0032). An export of 200 rows has about 50 KB.
 */
export const MAIN_THREAD_SIZE_MAX_BYTES = 65_536;

/**
 * True if the main thread may decode a body of this size as received. Another thread decodes and prepares a larger body, so that
 * it does not delay answers to other boats. The same applies to a body that decodes to more than `toMainThreadLimit`.
 */
export function mayDecodeOnMainThread(wireSizeBytes: number): boolean {
  return wireSizeBytes <= MAIN_THREAD_SIZE_MAX_BYTES;
}

/**
 * Returns the maximum decoded size, in bytes, of a body that the main thread decodes. `bodySizeMaxBytes` is the limit of every
 * body.
 */
export function toMainThreadLimit(bodySizeMaxBytes: number): number {
  return Math.min(MAIN_THREAD_SIZE_MAX_BYTES, bodySizeMaxBytes);
}
