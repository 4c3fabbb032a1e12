import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { Clock, Disk, Log, WallMs } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { findUndelivered } from './find-undelivered.ts';
import {
  COMPLETED_KEPT_MS,
  FAILED_KEPT_MS,
  isFailedRemovable,
  isOlderThan,
  isReserveFree,
  pickDelivered,
  toMegabytesText,
  toReserveBytes,
} from './policy.ts';
import { createRemover, type Remover } from './remover.ts';

/** A cleanup's result. */
export interface CleanupReport {
  readonly completedRemoved: number;
  readonly failedRemoved: number;
  /**
   * Number of failed entries kept beyond their retention period because it is not proven that later exports delivered their
   * records.
   */
  readonly failedKept: number;
  readonly freedBytes: number;
}

/** Keeps the reserve free and removes exports that central holds. Never removes undelivered data. */
export interface Retention {
  /**
   * Frees space before an export is created: removes delivered files, oldest first, until the reserve is free. Throws
   * DISK_RESERVE if that is not enough.
   */
  ensureReserve(): Promise<void>;
  /**
   * Removes delivered files after 30 days, and failed exports after 7 days if later exports delivered their records.
   */
  cleanup(completedKeptMs?: number): Promise<CleanupReport>;
  /** See `Remover.isRemoving`. */
  readonly isRemoving: Remover['isRemoving'];
  /** Cleans up once a day until aborted. A failed cleanup is logged and tried again a day later. */
  run(signal: AbortSignal): Promise<void>;
}

/** Interval between the daemon's cleanups, and delay of the first one after the start. */
const CLEANUP_EVERY_MS = 24 * 3_600_000;
const CLEANUP_FIRST_MS = 10 * 60_000;

/** Creates the retention. It calls `onRemoved` each time an entry has been removed from the ledger. */
export function createRetention(
  world: { readonly clock: Clock; readonly disk: Disk; readonly log: Log },
  paths: SpoolPaths,
  ledger: Ledger,
  reserveConfiguredBytes: number | undefined,
  onRemoved: () => void,
): Retention {
  const { clock, disk, log } = world;
  const { remove, isRemoving } = createRemover(world, ledger, onRemoved);
  const cleanup = async (completedKeptMs = COMPLETED_KEPT_MS): Promise<CleanupReport> => {
    const nowMs = clock.wall();
    const failed = await removeFailed(world, ledger, remove, nowMs);
    const completed = await removeCompleted(ledger, remove, nowMs, completedKeptMs);
    return {
      completedRemoved: completed.removed,
      failedRemoved: failed.removed,
      failedKept: failed.kept,
      freedBytes: failed.freedBytes + completed.freedBytes,
    };
  };
  return {
    isRemoving,
    cleanup,

    async run(signal) {
      for (let delayMs = CLEANUP_FIRST_MS; ; delayMs = CLEANUP_EVERY_MS) {
        await clock.sleep(delayMs, signal);
        try {
          await cleanup();
        } catch (error) {
          if (!isExportError(error)) throw error;
          log.write('warn', `Cleanup failed and will be tried again tomorrow: ${error.message}`, {
            hint: error.hint,
          });
        }
      }
    },

    async ensureReserve() {
      const before = await disk.space(paths.home);
      const reserveBytes = toReserveBytes(before.totalBytes, reserveConfiguredBytes);
      if (isReserveFree(before.freeBytes, reserveBytes)) return;
      for (const entry of pickDelivered(ledger.queue.list('completed'), reserveBytes - before.freeBytes))
        await remove(entry);
      const { freeBytes } = await disk.space(paths.home);
      if (isReserveFree(freeBytes, reserveBytes)) return;
      throw new ExportError(
        'DISK_RESERVE',
        `Only ${toMegabytesText(freeBytes)} are free on the card, and ${toMegabytesText(reserveBytes)} are reserved for the boat's other services`,
        {
          op: `free space under ${paths.home}`,
          hint: 'Free some space (old recordings are usually the largest files), or deliver the waiting exports. Nothing was changed or lost.',
        },
      );
    },
  };
}

interface Removed {
  readonly removed: number;
  readonly freedBytes: number;
}

async function removeFailed(
  { clock, disk }: { readonly clock: Clock; readonly disk: Disk },
  ledger: Ledger,
  remove: (entry: Entry) => Promise<boolean>,
  nowMs: WallMs,
): Promise<Removed & { readonly kept: number }> {
  let removed = 0;
  let kept = 0;
  let freedBytes = 0;
  for (const entry of ledger.queue.list('failed')) {
    if (!isOlderThan(entry.failedAtMs ?? nowMs, nowMs, FAILED_KEPT_MS)) continue;
    const hasFile = (await disk.stat(entry.exportFile)) !== undefined;
    const undeliveredRecords = hasFile ? await findUndelivered(disk, clock, ledger, entry) : 0;
    const isRemovalBegun = ledger.queue.hasRemovalBegun(entry.entryNo);
    if (!isFailedRemovable({ hasFile, isRemovalBegun, undeliveredRecords })) {
      kept += 1;
      continue;
    }
    if (!(await remove(entry))) continue;
    removed += 1;
    freedBytes += entry.fileSizeBytes;
  }
  return { removed, kept, freedBytes };
}

async function removeCompleted(
  ledger: Ledger,
  remove: (entry: Entry) => Promise<boolean>,
  nowMs: WallMs,
  keptMs: number,
): Promise<Removed> {
  let removed = 0;
  let freedBytes = 0;
  for (const entry of ledger.queue.list('completed')) {
    if (!isOlderThan(entry.completedAtMs ?? nowMs, nowMs, keptMs)) continue;
    if (!(await remove(entry))) continue;
    removed += 1;
    freedBytes += entry.fileSizeBytes;
  }
  return { removed, freedBytes };
}
