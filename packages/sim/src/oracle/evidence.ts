import type { SimEvent } from '../events.ts';
import type { BoatSources } from '../sources/boat-sources.ts';
import type { TruthRecord } from '../sources/truth.ts';
import type { CentralRecords, Peer } from './central-records.ts';
import type { DueRecords } from './due-records.ts';
import type { ExportFiles } from './export-files.ts';
import type { LedgerFacts } from './ledger-facts.ts';
import type { Violate } from './violations.ts';

/** An export that the boat acknowledged. */
export interface Acknowledged {
  readonly exportId: string;
  readonly queueId: string;
  /** The path of the file when the export was acknowledged. */
  readonly exportFile: string | undefined;
  readonly slot: string | undefined;
}

/** How central's handlers answered the imports of one export. */
export interface ImportAnswers {
  /** Number of imports that the real handler answered, by status. */
  readonly counts: ReadonlyMap<number, number>;
  /** True if the real handler answered an import of this export with `status`. */
  hasAnswered(exportId: string, status: number): boolean;
  /** True if the scenario made central reject this export permanently. */
  hasRejected(exportId: string): boolean;
}

/** All evidence that a checker may use. Except for the ledger, none of it comes from the boat's own code. */
export interface Evidence {
  readonly sources: BoatSources;
  readonly files: ExportFiles;
  readonly central: CentralRecords;
  readonly importAnswers: ImportAnswers;
  readonly due: DueRecords;
  readonly events: readonly SimEvent[];
  /** The acknowledged exports, by export ID. */
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  /** The newest version of each record in an acknowledged export, by the record's key. */
  readonly required: ReadonlyMap<string, number>;
  /** True from when the card was restored until the boat has begun a new ledger. Always false after the calm day. */
  isLedgerBehind(ledger: LedgerFacts): boolean;
  /** The other boat, if the card was copied. */
  readonly peer: Peer | undefined;
  /** The data that central lost when its database was restored from a backup. */
  readonly lost: LostByCentral;
  readonly violate: Violate;
}

/** Data that central held before its database was restored, but not afterwards. */
export interface LostByCentral {
  /**
   * True from the restoration until the boat has sent an export (whose answer reports the loss) and has had a day to send the
   * lost exports.
   */
  readonly isAwaited: boolean;
  /** Keys of records that central held in a newer version. */
  readonly records: ReadonlySet<string>;
  /** Exports of which central held a part. */
  readonly exportIds: ReadonlySet<string>;
}

/**
 * Returns the version that must not be lost. For an existing record this is the newest version. For a removed record it is the
 * newest exported version.
 */
export function toNeededVersion({ required }: Evidence, record: TruthRecord): number | undefined {
  return record.isPresent ? record.versions.length - 1 : required.get(record.key);
}

/** True if the boat later cut the export into smaller parts. */
export function isCutSmaller({ events }: Pick<Evidence, 'events'>, queueId: string): boolean {
  return events.some(
    (event) =>
      event.kind === 'delivery' && event.event.kind === 'parts_cut' && event.event.queueId === queueId,
  );
}
