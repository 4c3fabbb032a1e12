import type { Clock, MonotonicMs } from '../platform/ports.ts';

/** An upload's progress when a part is about to be sent. */
export interface UploadProgress {
  /** Bytes sent for the export so far in all delivery runs, after compression. */
  readonly sentBytes: number;
  /** Estimated time until the last part is acknowledged. Undefined until the first part in this delivery run is acknowledged. */
  readonly leftMs: number | undefined;
}

/**
 * Measures one delivery. The estimate is the mean time per part acknowledged in this delivery run, multiplied by the number of
 * remaining parts. An export's parts are about the same size, and earlier runs are ignored because they may have used another
 * link.
 */
export function createUploadMeter(clock: Pick<Clock, 'monotonic'>, sentBytesBefore: number) {
  const startedMs: MonotonicMs = clock.monotonic();
  let acknowledgedCount = 0;
  let sentBytes = sentBytesBefore;
  return {
    recordAcknowledged(wireSizeBytes: number): void {
      acknowledgedCount += 1;
      sentBytes += wireSizeBytes;
    },
    progress(partIndex: number, partCount: number): UploadProgress {
      const leftCount = partCount - partIndex + 1;
      const elapsedMs = clock.monotonic() - startedMs;
      return {
        sentBytes,
        leftMs: acknowledgedCount === 0 ? undefined : Math.round((elapsedMs / acknowledgedCount) * leftCount),
      };
    },
  };
}
