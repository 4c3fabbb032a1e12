import type { AppDeps } from './context.ts';

/**
 * Time for which a measurement of the free space is reused. In this time, imports fill at most a few hundred MB of the reserve.
 */
const READING_AGE_MAX_MS = 5_000;

/**
 * Returns a function that checks whether the database's disk has less free space than its reserve. It reads the free space every
 * few seconds.
 */
export function createStorageCheck({
  storage,
  monotonic,
}: Pick<AppDeps, 'storage' | 'monotonic'>): () => Promise<boolean> {
  if (storage === undefined) return async () => false;
  let reading: { readonly isShort: boolean; readonly atMs: number } | undefined;
  return async () => {
    if (reading === undefined || monotonic() - reading.atMs >= READING_AGE_MAX_MS) {
      const atMs = monotonic();
      reading = { isShort: (await storage.freeBytes()) < storage.reserveBytes, atMs };
    }
    return reading.isShort;
  };
}
