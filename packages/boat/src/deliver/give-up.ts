import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { World } from '../platform/ports.ts';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';

/** Fails entries that are not being sent. */
export interface GivingUp {
  /** Archives the entry's file, then fails it: its ranges are due again. Throws DISK_…, LEDGER_FAILED. */
  giveUp(entry: Entry, reason: string): Promise<Entry>;
  /** True while an entry is on its way to `failed`: the archive takes its file before the ledger says so, and nobody may claim it. */
  isUnderWay(entryNo: number): boolean;
}

export function createGivingUp(
  { disk, clock }: Pick<World, 'disk' | 'clock'>,
  ledger: Ledger,
  paths: SpoolPaths,
): GivingUp {
  const underWay = new Set<number>();
  const archive = async (entry: Entry, reason: string): Promise<Entry> => {
    const archiveFile = toFailedFile(paths, entry.queueId);
    // The file first: power lost before the entry is failed leaves it pending, and the start finds its file in the archive.
    const isThere = entry.exportFile !== archiveFile && (await disk.stat(entry.exportFile)) !== undefined;
    if (isThere) {
      await disk.makeDirectory(paths.failed);
      await disk.move(entry.exportFile, archiveFile);
    }
    return ledger.queue.fail(entry.entryNo, {
      atMs: clock.wall(),
      reason,
      archiveFile: isThere ? archiveFile : entry.exportFile,
    });
  };
  return {
    async giveUp(entry, reason) {
      underWay.add(entry.entryNo);
      try {
        return await archive(entry, reason);
      } finally {
        underWay.delete(entry.entryNo);
      }
    },
    isUnderWay: (entryNo) => underWay.has(entryNo),
  };
}
