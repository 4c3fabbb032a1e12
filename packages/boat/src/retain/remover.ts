import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock, Disk, Log } from '../platform/ports.ts';

/** Removes entries with their files. */
export interface Remover {
  /** Returns false without a change if the entry has changed since it was read or another call is removing it. */
  remove(entry: Entry): Promise<boolean>;
  /** True while an entry is being removed. Its file may be gone already, so it must not be retried. */
  isRemoving(entryNo: number): boolean;
}

/** Calls `onRemoved` after each removal of an entry from the ledger. */
export function createRemover(
  { clock, disk, log }: { readonly clock: Clock; readonly disk: Disk; readonly log: Log },
  ledger: Ledger,
  onRemoved: () => void,
): Remover {
  const removing = new Set<number>();
  /**
   * Records the intent and the loss, then removes the file, then the row. A power cut in between leaves a row with or
   * without its file, and the next cleanup completes the removal.
   */
  const removeAll = async (entry: Entry): Promise<void> => {
    if (entry.status === 'failed')
      ledger.queue.beginRemoval(entry.entryNo, {
        atMs: clock.wall(),
        reason: 'a failed export whose records were delivered with later ones; its telemetry sample was not',
      });
    await disk.remove(entry.exportFile);
    ledger.queue.forget(entry.entryNo);
    onRemoved();
    log.write(
      'info',
      `Removed export ${entry.queueId}: ${entry.status === 'completed' ? 'central holds it' : 'its records were delivered with later exports'}`,
    );
  };
  return {
    async remove(entry) {
      const { entryNo, status } = entry;
      if (removing.has(entryNo) || ledger.queue.get(entryNo)?.status !== status) return false;
      removing.add(entryNo);
      try {
        await removeAll(entry);
        return true;
      } finally {
        removing.delete(entryNo);
      }
    },
    isRemoving: (entryNo) => removing.has(entryNo),
  };
}
