import {
  type AdmissionLimits,
  type AdmissionRefusal,
  chooseEviction,
  judgeHold,
  toNextWindow,
  type UploadWindow,
} from './policy.ts';

/** Counts the bytes of one request body in memory. */
export interface Upload {
  /**
   * Counts `sizeBytes` more bytes as held, or returns the limit that they would exceed. If memory is short, slower uploads are
   * evicted first.
   */
  hold(sizeBytes: number): AdmissionRefusal | undefined;
  /** Calls `drop` if the upload is evicted. Its bytes then no longer count. */
  onEviction(drop: () => void): void;
  /** Call it when the body is complete. The upload can then no longer be evicted. */
  complete(): void;
  release(): void;
}

interface UploadState {
  readonly installationId: string;
  heldBytes: number;
  window: UploadWindow;
  drop: (() => void) | undefined;
}

/** Counts the bytes of all request bodies in memory, per node and per installation. */
export function createHeldBytes(
  limits: AdmissionLimits,
  monotonic: () => number,
): { begin(installationId: string): Upload; total(): number } {
  const uploads = new Set<UploadState>();
  const byInstallation = new Map<string, number>();
  let total = 0;
  const add = (upload: UploadState, sizeBytes: number) => {
    total += sizeBytes;
    upload.heldBytes += sizeBytes;
    const own = (byInstallation.get(upload.installationId) ?? 0) + sizeBytes;
    if (own === 0) byInstallation.delete(upload.installationId);
    else byInstallation.set(upload.installationId, own);
  };
  const remove = (upload: UploadState) => {
    uploads.delete(upload);
    add(upload, -upload.heldBytes);
  };
  const evictFor = (own: UploadState, sizeBytes: number) => {
    while (total + sizeBytes > limits.heldSizeMaxBytes) {
      const receiving = [...uploads].filter((one) => one !== own && one.drop !== undefined);
      const slowest = chooseEviction(receiving, monotonic());
      if (slowest === undefined) return;
      remove(slowest);
      slowest.drop?.();
    }
  };
  return {
    total: () => total,
    begin(installationId) {
      const upload: UploadState = {
        installationId,
        heldBytes: 0,
        window: { startMs: monotonic(), sizeBytes: 0, wasSlow: false },
        drop: undefined,
      };
      uploads.add(upload);
      return {
        hold(sizeBytes) {
          upload.window = toNextWindow(upload.window, sizeBytes, monotonic());
          if (total + sizeBytes > limits.heldSizeMaxBytes) evictFor(upload, sizeBytes);
          const held = { total, installation: byInstallation.get(installationId) ?? 0 };
          const refusal = judgeHold(held, sizeBytes, limits);
          if (refusal === undefined) add(upload, sizeBytes);
          return refusal;
        },
        onEviction(drop) {
          upload.drop = drop;
        },
        complete() {
          upload.drop = undefined;
        },
        release() {
          if (uploads.has(upload)) remove(upload);
        },
      };
    },
  };
}
