/** Maximum default reserve, which is enough for the boat's other services for a season. */
const RESERVE_MAX_BYTES = 500 * 1024 * 1024;
/** Fraction of the file system to reserve on a small card. */
const RESERVE_SHARE = 0.03;

/** Returns the amount of space to keep free for the other services (docs/spec/delivery.md, "Disk"). */
export function toReserveBytes(totalBytes: number, configuredBytes: number | undefined): number {
  return configuredBytes ?? Math.min(RESERVE_MAX_BYTES, Math.floor(totalBytes * RESERVE_SHARE));
}

/** Returns true if at least the reserve is free, so that exports may be created. */
export function isReserveFree(freeBytes: number, reserveBytes: number): boolean {
  return freeBytes >= reserveBytes;
}

/** Formats a size in megabytes, rounded down. */
export function toMegabytesText(sizeBytes: number): string {
  return `${Math.floor(sizeBytes / 1_000_000)} MB`;
}

/** Retention periods for the files of delivered and failed exports: 30 and 7 days, as in the legacy exporter. */
export const COMPLETED_KEPT_MS = 30 * 24 * 3_600_000;
export const FAILED_KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Returns true if a wall-clock time is more than `keptMs` ago. A future time comes from a wrong clock and does not count as old.
 */
export function isOlderThan(labelMs: number, nowMs: number, keptMs: number): boolean {
  return nowMs - labelMs > keptMs;
}

/**
 * Returns as many of the oldest delivered files as must be removed to free `neededBytes`, or all of them if even that is not
 * enough.
 */
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

/** The state of a failed export whose retention period has ended. */
export interface FailedExport {
  /** False if the file no longer exists. */
  readonly hasFile: boolean;
  /** True if an earlier cleanup decided to remove the export but was interrupted. */
  readonly isRemovalBegun: boolean;
  /** Number of the export's records that no other delivered export contains. Meaningful only if the file exists. */
  readonly undeliveredRecords: number;
}

/**
 * Returns true if the cleanup may remove a failed export because other exports have delivered all of its records. If the file is
 * missing, nothing is known about its records, so only an interrupted removal is completed.
 */
export function isFailedRemovable({ hasFile, isRemovalBegun, undeliveredRecords }: FailedExport): boolean {
  return hasFile ? undeliveredRecords === 0 : isRemovalBegun;
}
