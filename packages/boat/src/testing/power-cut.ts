import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { composeDisk } from '../platform/disk.ts';
import { createFileSystem, type FileSystem, type OpenFile } from '../platform/disk-file-system.ts';
import type { Disk } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { openLedgerDatabase } from '../platform/sqlite.ts';

/** What ends a run at a chosen step, as a power cut would. */
export class PowerCut extends Error {}

/** The real disk and a real ledger, as long as there is power. */
export interface Power {
  readonly disk: Disk;
  openLedger(): Ledger;
  /** Steps taken so far. */
  steps(): number;
}

/**
 * Counts every step that changes the disk, and the commits of the ledger, and ends the run before one of them. A run
 * ended at a step that only reads leaves what the next change would have found.
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
    // The process ends, the machine does not: what was written is there without a sync, which costs most of the time.
    sync: async () => undefined,
  });
  const counted: FileSystem = {
    ...fileSystem,
    create: stepping(async (path: string) => toOpenFile(await fileSystem.create(path))),
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
