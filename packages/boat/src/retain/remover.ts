import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock, Disk, Log } from '../platform/ports.ts';

/** Removes entries with their files. */
export interface Remover {
  /** If the entry has changed since it was read or is already being removed, changes nothing and returns false. */
  remove(entry: Entry): Promise<boolean>;
  /** Returns true while an entry is being removed. The entry must not be retried, because its file may already be gone. */
  isRemoving(entryNo: number): boolean;
}

/** Creates the remover. It calls `onRemoved` each time an entry has been removed from the ledger. */
export function createRemover(
  { clock, disk, log }: { readonly clock: Clock; readonly disk: Disk; readonly log: Log },
  ledger: Ledger,
  onRemoved: () => void,
): Remover {
  const removing = new Set<number>();
  /**
   * Records the intent to remove the entry and any loss, then removes the file, then the row. If power fails in between, a row
   * remains with or without its file, and the next cleanup completes the removal.
   */
  const removeAll = async (entry: Entry): Promise<void> => {
    if (entry.status === 'failed')
      ledger.queue.beginRemoval(entry.entryNo, {
        atMs: clock.wall(),
        reason: 'a failed export whose records later exports delivered, except its telemetry sample',
      });
    await disk.remove(entry.exportFile);
    ledger.queue.forget(entry.entryNo);
    onRemoved();
    log.write(
      'info',
      `Removed export ${entry.queueId}: ${entry.status === 'completed' ? 'central holds it' : 'later exports delivered its records'}`,
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
