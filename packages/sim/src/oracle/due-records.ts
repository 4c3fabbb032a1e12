import type { BoatSources } from '../sources/boat-sources.ts';
import type { TruthRecord } from '../sources/truth.ts';
import type { ExportFiles } from './export-files.ts';
import type { LedgerFacts } from './ledger-facts.ts';

/** Predicts, from the ledger's cursors and digests, which records the next export will contain. */
export interface DueRecords {
  /** Remembers that the ledger's current boatlog cursor belongs to the current boatlog database. */
  noteCursor(ledger: LedgerFacts): void;
  /** The database to which each boatlog cursor belongs, by the cursor's check value. */
  readonly generations: Map<string, number>;
  /** Returns the prediction for a given state of the ledger. */
  predict(ledger: LedgerFacts): (record: TruthRecord) => boolean;
}

export function createDueRecords(sources: BoatSources, files: ExportFiles): DueRecords {
  const generations = new Map<string, number>();
  return {
    generations,
    noteCursor: (ledger) => {
      const cursor = ledger.boatlogCursor();
      if (cursor !== undefined && !generations.has(cursor.check))
        generations.set(cursor.check, sources.generation());
    },
    predict: (ledger) => {
      const boatlog = ledger.boatlogCursor();
      return ({ category, isPresent, row, recordId, versions }) => {
        if (!isPresent) return false;
        if (category === 'boatlog') {
          if (boatlog === undefined || row === undefined) return true;
          return generations.get(boatlog.check) !== row.generation || row.position > boatlog.position;
        }
        const digest = ledger.digestOf(category, recordId ?? '');
        return digest === undefined || files.versionOf(digest) !== versions.length - 1;
      };
    },
  };
}
