import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { Clock, Disk, Log } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { findUndelivered } from './find-undelivered.ts';
import { COMPLETED_KEPT_MS, FAILED_KEPT_MS, isOlderThan, pickDelivered, toReserveBytes } from './policy.ts';

/** What a cleanup did. */
export interface CleanupReport {
  readonly completedRemoved: number;
  readonly failedRemoved: number;
  /** Failed entries past their time whose records are not proven delivered some other way. */
  readonly failedKept: number;
  readonly freedBytes: number;
}

/** Keeps the reserve and removes what central holds. Undelivered data is never removed. */
export interface Retention {
  /**
   * Makes room before an export is made: delivered files go, oldest first, until the reserve is free.
   * Throws DISK_RESERVE when that is not enough.
   */
  ensureReserve(): Promise<void>;
  /** Removes delivered files after 30 days, failed ones after 7 once their records are delivered some other way. */
  cleanup(completedKeptMs?: number): Promise<CleanupReport>;
  /** True while an entry is being removed: its file may be gone already, and nobody may send it again. */
  isRemoving(entryNo: number): boolean;
  /** Cleans up once a day until aborted: nobody has to ask for it. What fails is told and tried again the next day. */
  run(signal: AbortSignal): Promise<void>;
}

/** How often the daemon cleans up by itself, and how long after its start it first does. */
const CLEANUP_EVERY_MS = 24 * 3_600_000;
const CLEANUP_FIRST_MS = 10 * 60_000;

/** `onRemoved` is told after each entry that left the ledger, whoever asked for it. */
export function createRetention(
  world: { readonly clock: Clock; readonly disk: Disk; readonly log: Log },
  paths: SpoolPaths,
  ledger: Ledger,
  reserveConfiguredBytes: number | undefined,
  onRemoved: () => void,
): Retention {
  const { clock, disk, log } = world;

  /** A failed export whose removal has begun: its line is in the loss ledger, which is written before its file goes. */
  const isBeingRemoved = (entry: Entry): boolean =>
    ledger.queue
      .losses()
      .some(({ what, sizeBytes }) => what === entry.exportFile && sizeBytes === entry.fileSizeBytes);

  /**
   * The loss first, then the file, then the row: power lost in between leaves a row, with or without its file, whose
   * removal the next cleanup ends.
   */
  const remove = async (entry: Entry): Promise<void> => {
    if (entry.status === 'failed' && !isBeingRemoved(entry))
      ledger.queue.recordLoss(
        clock.wall(),
        entry.exportFile,
        entry.fileSizeBytes,
        'a failed export whose records were delivered with later ones; its telemetry sample was not',
      );
    await disk.remove(entry.exportFile);
    ledger.queue.forget(entry.entryNo);
    onRemoved();
    log.write(
      'info',
      `Removed export ${entry.queueId}: ${entry.status === 'completed' ? 'central holds it' : 'its records were delivered with later exports'}`,
    );
  };
  const removing = new Set<number>();
  /** False where the entry is not as it was when it was looked at: retried meanwhile, or removed by another cleanup. */
  const removeEntry = async (entry: Entry): Promise<boolean> => {
    const { entryNo, status } = entry;
    if (removing.has(entryNo) || ledger.queue.get(entryNo)?.status !== status) return false;
    removing.add(entryNo);
    try {
      await remove(entry);
      return true;
    } finally {
      removing.delete(entryNo);
    }
  };

  const retention: Retention = {
    isRemoving: (entryNo) => removing.has(entryNo),

    async run(signal) {
      for (let delayMs = CLEANUP_FIRST_MS; ; delayMs = CLEANUP_EVERY_MS) {
        await clock.sleep(delayMs, signal);
        try {
          await retention.cleanup();
        } catch (error) {
          if (!isExportError(error)) throw error;
          log.write('warn', `Cleanup waits for tomorrow: ${error.message}`, { hint: error.hint });
        }
      }
    },

    async ensureReserve() {
      const before = await disk.space(paths.home);
      const reserveBytes = toReserveBytes(before.totalBytes, reserveConfiguredBytes);
      if (before.freeBytes >= reserveBytes) return;
      for (const entry of pickDelivered(ledger.queue.list('completed'), reserveBytes - before.freeBytes))
        await removeEntry(entry);
      const { freeBytes } = await disk.space(paths.home);
      if (freeBytes >= reserveBytes) return;
      throw new ExportError(
        'DISK_RESERVE',
        `Only ${toMegabytes(freeBytes)} MB are free on the card; ${toMegabytes(reserveBytes)} MB are kept for the boat`,
        {
          op: `make room under ${paths.home}`,
          hint: 'Free some space (old recordings are the largest), or deliver what waits; nothing was changed and nothing is lost.',
        },
      );
    },

    async cleanup(completedKeptMs = COMPLETED_KEPT_MS) {
      let completedRemoved = 0;
      let failedRemoved = 0;
      let failedKept = 0;
      let freedBytes = 0;
      const nowMs = clock.wall();
      for (const entry of ledger.queue.list('failed')) {
        if (!isOlderThan(entry.failedAtMs ?? nowMs, nowMs, FAILED_KEPT_MS)) continue;
        const isGone = (await disk.stat(entry.exportFile)) === undefined;
        const isRemovable = isGone
          ? isBeingRemoved(entry)
          : (await findUndelivered(disk, clock, ledger, entry)) === 0;
        if (!isRemovable) {
          failedKept += 1;
          continue;
        }
        if (!(await removeEntry(entry))) continue;
        failedRemoved += 1;
        freedBytes += entry.fileSizeBytes;
      }
      for (const entry of ledger.queue.list('completed')) {
        if (!isOlderThan(entry.completedAtMs ?? nowMs, nowMs, completedKeptMs)) continue;
        if (!(await removeEntry(entry))) continue;
        completedRemoved += 1;
        freedBytes += entry.fileSizeBytes;
      }
      return { completedRemoved, failedRemoved, failedKept, freedBytes };
    },
  };
  return retention;
}

function toMegabytes(sizeBytes: number): number {
  return Math.floor(sizeBytes / (1024 * 1024));
}
