import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { composeDisk } from '../platform/disk.ts';
import { createFileSystem, type FileSystem, type OpenFile } from '../platform/disk-file-system.ts';
import type { Disk, Readers } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { openLedgerDatabase } from '../platform/sqlite.ts';

/** Thrown to end a run at a chosen step, as a power cut would. */
export class PowerCut extends Error {}

/** The real disk and a real ledger until the power cut. */
export interface Power {
  readonly disk: Disk;
  openLedger(): Ledger;
  /** Number of steps so far. */
  steps(): number;
}

/**
 * Counts every change of the disk and every commit of the ledger, and ends the run before a chosen one. Steps that only
 * read are not counted, because a cut there leaves the same state as a cut before the next change.
 */
export function createPower(ledgerPath: string, stepsMax: number): Power {
  let steps = 0;
  const step = (): void => {
    if (steps >= stepsMax) throw new PowerCut(`step ${steps}`);
    steps += 1;
  };
  const stepping =
    <A extends readonly unknown[], R>(work: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      step();
      return work(...given);
    };
  const fileSystem = createFileSystem();
  const toOpenFile = (file: OpenFile): OpenFile => ({
    ...file,
    write: stepping(file.write),
    // Only the process ends here, so written data survives without a sync, and syncs would take most of the test's time.
    sync: async () => undefined,
  });
  const counted: FileSystem = {
    ...fileSystem,
    create: stepping(async (path: string, readers: Readers) =>
      toOpenFile(await fileSystem.create(path, readers)),
    ),
    rename: stepping(fileSystem.rename),
    unlink: stepping(fileSystem.unlink),
    makeDirectory: stepping(fileSystem.makeDirectory),
    syncDirectory: async () => undefined,
  };
  return {
    disk: composeDisk(counted, createRandom()),
    openLedger: (): Ledger => {
      const database = openLedgerDatabase(ledgerPath, (moment, db) => {
        if (moment === 'opened') db.exec('PRAGMA synchronous = OFF');
        if (moment === 'commit' || moment === 'committed') step();
      });
      return openLedger(database, () => '00112233445566ff');
    },
    steps: () => steps,
  };
}
