import type { SimEvent } from '../events.ts';
import type { BoatSources } from '../sources/boat-sources.ts';
import type { TruthRecord } from '../sources/truth.ts';
import type { CentralRecords } from './central-records.ts';
import type { DueRecords } from './due-records.ts';
import type { ExportFiles } from './export-files.ts';
import type { Violate } from './violations.ts';

/** An export whose creation the boat acknowledged. */
export interface Acknowledged {
  readonly exportId: string;
  readonly queueId: string;
  /** The path of its file when it was acknowledged. */
  readonly exportFile: string | undefined;
  readonly slot: string | undefined;
}

/** The answers of central's handlers to imports of one export. */
export interface ImportAnswers {
  /** Counts of the real handler's answers to imports, by status. */
  readonly counts: ReadonlyMap<number, number>;
  /** True if the real handler answered an import of this export with `status`. */
  hasAnswered(exportId: string, status: number): boolean;
  /** True if the scenario made central reject this export for good. */
  hasRejected(exportId: string): boolean;
}

/** Everything a checker may use. Except for the ledger, nothing in it comes from the boat's own code. */
export interface Evidence {
  readonly sources: BoatSources;
  readonly files: ExportFiles;
  readonly central: CentralRecords;
  readonly importAnswers: ImportAnswers;
  readonly due: DueRecords;
  readonly events: readonly SimEvent[];
  /** Acknowledged exports, by export id. */
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  /** The newest version that an acknowledged export contains of each record, by its key. */
  readonly required: ReadonlyMap<string, number>;
  readonly violate: Violate;
}

/** The version that must not be lost: the newest of a present record; of a removed one, the version that was exported. */
export function toNeededVersion({ required }: Evidence, record: TruthRecord): number | undefined {
  return record.isPresent ? record.versions.length - 1 : required.get(record.key);
}

/** True if the boat cut the export's parts smaller after it had planned them. */
export function isCutSmaller({ events }: Pick<Evidence, 'events'>, queueId: string): boolean {
  return events.some(
    (event) =>
      event.kind === 'delivery' && event.event.kind === 'parts_cut' && event.event.queueId === queueId,
  );
}
