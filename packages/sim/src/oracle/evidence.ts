import type { SimEvent } from '../events.ts';
import type { BoatSources } from '../sources/boat-sources.ts';
import type { TruthRecord } from '../sources/truth.ts';
import type { CentralRecords, Peer } from './central-records.ts';
import type { DueRecords } from './due-records.ts';
import type { ExportFiles } from './export-files.ts';
import type { LedgerFacts } from './ledger-facts.ts';
import type { Violate } from './violations.ts';

/** An export whose creation the boat acknowledged. */
export interface Acknowledged {
  readonly exportId: string;
  readonly queueId: string;
  /** The path of the file when the export was acknowledged. */
  readonly exportFile: string | undefined;
  readonly slot: string | undefined;
}

/** The answers of central's handlers to the imports of one export. */
export interface ImportAnswers {
  /** The number of imports that the real handler answered with each status. */
  readonly counts: ReadonlyMap<number, number>;
  /** True if the real handler answered an import of this export with `status`. */
  hasAnswered(exportId: string, status: number): boolean;
  /** True if the scenario made central reject this export permanently. */
  hasRejected(exportId: string): boolean;
}

/** Everything that a checker may use. Except for the ledger, none of it comes from the boat's own code. */
export interface Evidence {
  readonly sources: BoatSources;
  readonly files: ExportFiles;
  readonly central: CentralRecords;
  readonly importAnswers: ImportAnswers;
  readonly due: DueRecords;
  readonly events: readonly SimEvent[];
  /** The acknowledged exports, by export id. */
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  /** The newest version of each record that an acknowledged export contains, by the key of the record. */
  readonly required: ReadonlyMap<string, number>;
  /** True from the restoration of the card until the boat has begun a new ledger. Always false after the calm day. */
  isLedgerBehind(ledger: LedgerFacts): boolean;
  /** The other boat, if the card was copied. */
  readonly peer: Peer | undefined;
  /** The data that central lost when its database was restored from a backup. */
  readonly lost: LostByCentral;
  readonly violate: Violate;
}

/** The data that central held before its database was restored and no longer held afterwards. */
export interface LostByCentral {
  /**
   * True from the restoration until the boat has sent an export, whose answer reports the loss, and has had a
   * day to send the lost exports.
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

/** True if the boat cut the export into smaller parts after planning them. */
export function isCutSmaller({ events }: Pick<Evidence, 'events'>, queueId: string): boolean {
  return events.some(
    (event) =>
      event.kind === 'delivery' && event.event.kind === 'parts_cut' && event.event.queueId === queueId,
  );
}
