import type { Category } from '@d3kos/protocol';

/** One record as the other services of the boat know it. `key` is in the record itself, so it is found in a file and at central. */
export interface TruthRecord {
  readonly category: Category;
  readonly key: string;
  /** What the record says in each of its versions: the last is the newest. A log's records have one. */
  readonly versions: string[];
  /** In the queue of an older exporter, and in no source: in a whole item, or in the one that is torn. */
  readonly old?: 'whole' | 'torn';
  /** False once its source holds it no more. */
  isPresent: boolean;
  /** Logs: its row, and which of the databases that followed one another it is in. */
  readonly row?: { readonly position: number; readonly generation: number };
  /** States: the identity under which it must be exported, where the collectors' rule names it by an id. */
  readonly recordId?: string;
}
