import type { Clock, MonotonicMs } from '../platform/ports.ts';

/** The progress of an upload when a part is about to be sent. */
export interface UploadProgress {
  /** Bytes sent for the export so far, after compression, in all of its deliveries. */
  readonly sentBytes: number;
  /** Estimated time until the last part is acknowledged. Undefined until the first part of this delivery is acknowledged. */
  readonly leftMs: number | undefined;
}

/**
 * Measures one delivery. The estimate is the mean time per part acknowledged in this delivery, multiplied by the number of
 * remaining parts. The parts of an export are about the same size, and earlier deliveries are ignored because they may have used
 * another link.
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
