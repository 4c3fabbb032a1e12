import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';

/** Fails entries that are not being sent. */
export interface DeadLetters {
  /**
   * Archives the entry's file, then fails it: its ranges are due again. A file that the archive does not take stays where
   * it is. Throws DISK_…, LEDGER_FAILED; then the entry waits as before, with its file where it was.
   */
  deadLetter(entry: Entry, reason: string): Promise<Entry>;
  /** True while an entry is on its way to `failed`: the archive takes its file before the ledger says so, and nobody may claim it. */
  isMoving(entryNo: number): boolean;
}

export function createDeadLetters(
  { disk, clock, log }: Pick<World, 'disk' | 'clock' | 'log'>,
  ledger: Ledger,
  paths: SpoolPaths,
): DeadLetters {
  const underWay = new Set<number>();
  /** Moves the file to the archive where that can be done, and gives the path it has then. */
  const archive = async ({ queueId, exportFile }: Entry): Promise<string> => {
    const archiveFile = toFailedFile(paths, queueId);
    if (exportFile === archiveFile) return exportFile;
    const there = await disk.stat(exportFile);
    const archived = await disk.stat(archiveFile);
    if (there === undefined) return archived === undefined ? exportFile : archiveFile;
    // Another export's, as of an older exporter whose clock gave one id twice: moving would replace it.
    if (archived !== undefined && archived.fileNo !== there.fileNo) return exportFile;
    try {
      await disk.makeDirectory(paths.failed);
      await disk.move(exportFile, archiveFile);
      return archiveFile;
    } catch (error) {
      if (!isExportError(error)) throw error;
      // Sent again and refused again, it would keep everything behind it waiting for a folder.
      log.write('warn', `The file of ${queueId} stays where it is: ${error.message}`, { hint: error.hint });
      return (await disk.stat(exportFile)) === undefined ? archiveFile : exportFile;
    }
  };
  const fail = async (entry: Entry, reason: string): Promise<Entry> => {
    // The file first: power lost before the entry is failed leaves it pending, and the start finds its file in the archive.
    const archiveFile = await archive(entry);
    try {
      return ledger.queue.fail(entry.entryNo, { atMs: clock.wall(), reason, archiveFile });
    } catch (error) {
      // It still waits, and is sent from where its entry says.
      if (archiveFile !== entry.exportFile) await disk.move(archiveFile, entry.exportFile);
      throw error;
    }
  };
  return {
    async deadLetter(entry, reason) {
      underWay.add(entry.entryNo);
      try {
        return await fail(entry, reason);
      } finally {
        underWay.delete(entry.entryNo);
      }
    },
    isMoving: (entryNo) => underWay.has(entryNo),
  };
}
