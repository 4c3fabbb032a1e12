/** Maximum default reserve. It is enough for the boat's other services for a season. */
const RESERVE_MAX_BYTES = 500 * 1024 * 1024;
/** Fraction of the file system that is reserved on a small card. */
const RESERVE_SHARE = 0.03;

/** Returns the space to keep free for the other services (docs/spec/delivery.md, "Disk"). */
export function toReserveBytes(totalBytes: number, configuredBytes: number | undefined): number {
  return configuredBytes ?? Math.min(RESERVE_MAX_BYTES, Math.floor(totalBytes * RESERVE_SHARE));
}

/** True if the reserve is free, so that exports may be made. */
export function isReserveFree(freeBytes: number, reserveBytes: number): boolean {
  return freeBytes >= reserveBytes;
}

/** Formats a size in megabytes, rounded down. */
export function toMegabytesText(sizeBytes: number): string {
  return `${Math.floor(sizeBytes / 1_000_000)} MB`;
}

/** Retention of the files of delivered and failed exports. The legacy exporter used the same 30 and 7 days. */
export const COMPLETED_KEPT_MS = 30 * 24 * 3_600_000;
export const FAILED_KEPT_MS = 7 * 24 * 3_600_000;

/** True if a wall-clock time is more than `keptMs` ago. A future time, from a wrong clock, is not old. */
export function isOlderThan(labelMs: number, nowMs: number, keptMs: number): boolean {
  return nowMs - labelMs > keptMs;
}

/** Returns the oldest delivered files whose removal frees `neededBytes`, or all of them if that is not enough. */
export function pickDelivered<T extends { readonly fileSizeBytes: number }>(
  deliveredOldestFirst: readonly T[],
  neededBytes: number,
): readonly T[] {
  const picked: T[] = [];
  let freedBytes = 0;
  for (const entry of deliveredOldestFirst) {
    if (freedBytes >= neededBytes) break;
    picked.push(entry);
    freedBytes += entry.fileSizeBytes;
  }
  return picked;
}

/** The known facts about the records of a failed export that is past its retention. */
export interface FailedExport {
  /** False if the file no longer exists. */
  readonly hasFile: boolean;
  /** True if an earlier cleanup decided to remove it and was interrupted. */
  readonly isRemovalBegun: boolean;
  /** Number of its records that no other delivered export contains. Counted only while the file exists. */
  readonly undeliveredRecords: number;
}

/**
 * True if the cleanup may remove a failed export: other exports delivered all of its records. A missing file alone proves
 * nothing about its records, so only a removal that had begun is completed.
 */
export function isFailedRemovable({ hasFile, isRemovalBegun, undeliveredRecords }: FailedExport): boolean {
  return hasFile ? undeliveredRecords === 0 : isRemovalBegun;
}
