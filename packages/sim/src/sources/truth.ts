import type { Category } from '@d3kos/protocol';
import type { SimRandom } from '../random.ts';

/** A record as the boat's other services hold it. The record contains `key`, which identifies it in files and at central. */
export interface TruthRecord {
  readonly category: Category;
  readonly key: string;
  /** The text of each version, newest last. Records of a log have one version. */
  readonly versions: string[];
  /** Set if the record exists only in the queue of a legacy exporter, in a complete item or in the torn one. */
  readonly legacy?: 'whole' | 'torn';
  /** False once the source has removed the record. */
  isPresent: boolean;
  /** For a record of a log: its row, and the number of the database that holds it. */
  readonly row?: { readonly position: number; readonly generation: number };
  /** For a record whose service writes local times: the moment under which central must store it. */
  readonly atMs?: number;
  /** The record ID that the export must contain, if the collectors' rules define one. */
  readonly recordId?: string;
}

/** All records that the sources contain or have ever contained. */
export interface Truth {
  readonly records: ReadonlyMap<string, TruthRecord>;
  /** Returns a new key, which consists of `letter` and a number. */
  nextKey(letter: string): string;
  add(record: Omit<TruthRecord, 'isPresent'>): void;
  /** Returns the category's existing records. */
  present(category: Category): readonly TruthRecord[];
  /** Returns one of the category's existing records, or undefined if there is none. */
  pickPresent(category: Category): TruthRecord | undefined;
  /** Returns the index of the newest version of each existing record, by its key. */
  presentVersions(): ReadonlyMap<string, number>;
  /**
   * Copies the current records. Returns a function that restores the copy: later records are gone, and older versions are current
   * again.
   */
  takeImage(): () => void;
  /** Returns a separate truth that holds the same records. */
  copy(random: SimRandom): Truth;
}

/** First number in the keys of records that a copied boat creates, so that they differ from those of the other boat. */
const COPY_KEYS_FROM = 100_000;

export function createTruth(legacy: ReadonlyMap<string, TruthRecord>, random: SimRandom, counter = 0): Truth {
  const records = new Map<string, TruthRecord>(legacy);
  const present = (category: Category): readonly TruthRecord[] =>
    [...records.values()].filter((record) => record.category === category && record.isPresent);
  return {
    records,
    nextKey: (letter) => {
      counter += 1;
      return `${letter}${counter}`;
    },
    add: (record) => {
      records.set(record.key, { ...record, isPresent: true });
    },
    present,
    pickPresent: (category) => {
      const found = present(category);
      return found.length === 0 ? undefined : random.pick(found);
    },
    takeImage: () => {
      const image = new Map(
        [...records.values()].map(({ key, isPresent, versions }) => [
          key,
          { isPresent, text: versions.at(-1) },
        ]),
      );
      return () => {
        for (const record of records.values()) {
          const before = image.get(record.key);
          record.isPresent = before?.isPresent ?? false;
          if (before?.text !== undefined && before.text !== record.versions.at(-1))
            record.versions.push(before.text);
        }
      };
    },
    copy: (copyRandom) => {
      const copies = new Map<string, TruthRecord>();
      for (const [key, record] of records) copies.set(key, { ...record, versions: [...record.versions] });
      return createTruth(copies, copyRandom, COPY_KEYS_FROM);
    },
    presentVersions: () =>
      new Map(
        [...records.values()]
          .filter(({ isPresent }) => isPresent)
          .map(({ key, versions }) => [key, versions.length - 1]),
      ),
  };
}
