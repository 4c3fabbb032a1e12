/** Maximum default reserve. It is enough for the other services of the boat for a season. */
const RESERVE_MAX_BYTES = 500 * 1024 * 1024;
/** Share of the file system that is reserved on a small card. */
const RESERVE_SHARE = 0.03;

/** Returns the space to keep free for the other services (docs/spec/delivery.md, "Disk"). */
export function toReserveBytes(totalBytes: number, configuredBytes: number | undefined): number {
  return configuredBytes ?? Math.min(RESERVE_MAX_BYTES, Math.floor(totalBytes * RESERVE_SHARE));
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
