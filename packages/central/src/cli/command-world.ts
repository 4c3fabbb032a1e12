import type { OpenFile, OpenNewDirectory, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { DistributionReport } from '../store/distribute.ts';
import type { MigrationReport } from '../store/migrate.ts';

/** A command's result, as documented JSON and as text. */
export interface CommandResult {
  readonly json: unknown;
  readonly text: string;
  /** The exit code of the program. Undefined means 0. */
  readonly exitCode?: number;
}

/** The ports that commands need. */
export interface CommandWorld {
  readonly store: Store;
  /** Brings the schema up to date. */
  readonly migrate: () => Promise<MigrationReport>;
  /** Distributes the tables over the Citus nodes. */
  readonly distribute: () => Promise<DistributionReport>;
  readonly wall: WallClock;
  readonly randomHex: RandomHex;
  readonly openFile: OpenFile;
  readonly openNewDirectory: OpenNewDirectory;
  /** Returns the first line of standard input without its line ending, or undefined if there is none. */
  readonly readLine: () => Promise<string | undefined>;
  /** Maximum size of a part in a bundle. */
  readonly bodySizeMaxBytes: number;
}
