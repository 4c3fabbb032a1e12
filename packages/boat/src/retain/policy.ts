/** The reserve never needs to be larger: enough for the other services of the boat through a season. */
const RESERVE_MAX_BYTES = 500 * 1024 * 1024;
/** On a small card the reserve is this share of it. */
const RESERVE_SHARE = 0.03;

/** How much of the file system is kept free for everyone else (docs/spec/delivery.md, "Disk"). */
export function toReserveBytes(totalBytes: number, configuredBytes: number | undefined): number {
  return configuredBytes ?? Math.min(RESERVE_MAX_BYTES, Math.floor(totalBytes * RESERVE_SHARE));
}

/** How long the file of a delivered export is kept (seed: 30 days), and the one of a failed entry (seed: 7 days). */
export const COMPLETED_KEPT_MS = 30 * 24 * 3_600_000;
export const FAILED_KEPT_MS = 7 * 24 * 3_600_000;

/** True when a label is older than `keptMs`. A label in the future (the clock was wrong) is not old. */
export function isOlderThan(labelMs: number, nowMs: number, keptMs: number): boolean {
  return nowMs - labelMs > keptMs;
}

/** Which delivered files to remove, oldest first, until `neededBytes` more are free; fewer when there are not enough. */
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
