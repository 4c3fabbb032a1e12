import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';

/** Dead-letters entries. Their public status becomes `failed`, and their files are kept. */
export interface DeadLetters {
  /**
   * Archives the entry's file, sets the entry to failed and rewinds its ranges. The entry must not be `uploading`. A file that
   * cannot be archived stays in place. Throws DISK_… and LEDGER_FAILED, leaving the entry waiting and its file in place.
   */
  deadLetter(entry: Entry, reason: string): Promise<Entry>;
  /**
   * Returns true while an entry's file is being moved to the archive. The entry is still pending in the ledger, but must not be
   * sent.
   */
  isMoving(entryNo: number): boolean;
}

export function createDeadLetters(
  { disk, clock, log }: Pick<World, 'disk' | 'clock' | 'log'>,
  ledger: Ledger,
  paths: SpoolPaths,
): DeadLetters {
  const underWay = new Set<number>();
  /** Moves the file to the archive if possible. Returns the resulting path. */
  const archive = async ({ queueId, exportFile }: Entry): Promise<string> => {
    const archiveFile = toFailedFile(paths, queueId);
    if (exportFile === archiveFile) return exportFile;
    const there = await disk.stat(exportFile);
    const archived = await disk.stat(archiveFile);
    if (there === undefined) return archived === undefined ? exportFile : archiveFile;
    // The archive already has a different export's file with this name, because a legacy exporter's clock produced the same ID
    // twice. Keep that file.
    if (archived !== undefined && archived.fileNo !== there.fileNo) return exportFile;
    try {
      await disk.makeDirectory(paths.failed);
      await disk.move(exportFile, archiveFile);
      return archiveFile;
    } catch (error) {
      if (!isExportError(error)) throw error;
      // The entry must fail anyway. Otherwise it would be sent and refused again, and would block the entries behind it.
      log.write('warn', `The file of ${queueId} was not archived: ${error.message}`, { hint: error.hint });
      return (await disk.stat(exportFile)) === undefined ? archiveFile : exportFile;
    }
  };
  const fail = async (entry: Entry, reason: string): Promise<Entry> => {
    // The file is moved first. If power fails before the commit, the entry is still pending, and the next start finds its file in
    // the archive.
    const archiveFile = await archive(entry);
    try {
      return ledger.queue.fail(entry.entryNo, { atMs: clock.wall(), reason, archiveFile });
    } catch (error) {
      // The entry is still waiting, so its file must be at the path stored in the entry.
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
