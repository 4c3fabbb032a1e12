import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { composeDisk } from '../platform/disk.ts';
import { createFileSystem, type FileSystem, type OpenFile } from '../platform/disk-file-system.ts';
import type { Disk, Readers } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { openLedgerDatabase } from '../platform/sqlite.ts';

/** Thrown to end a run at a chosen step, as a power cut would. */
export class PowerCut extends Error {}

/** A real disk and a real ledger, which work until the power cut. */
export interface Power {
  readonly disk: Disk;
  openLedger(): Ledger;
  /** Number of steps so far. */
  steps(): number;
}

/**
 * Counts every disk change and ledger commit, and ends the run before step `stepsMax`. Reads are not counted, because a cut
 * during a read leaves the same state as a cut before the next change.
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
    // Syncs are switched off because they would take most of the test's time. Only the process ends, so written data survives
    // even without them.
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
