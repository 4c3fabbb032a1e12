import type { Category, CategoryState } from '@d3kos/protocol';
import type { Clock, Databases, Disk } from '../platform/ports.ts';
import type { Cursor } from './cursor.ts';

export type { Cursor } from './cursor.ts';

/** Where on this boat things are. All absolute; everything must run against any root. */
export interface SourcePaths {
  /** `/opt/d3kos` on a boat. */
  readonly root: string;
  /** Where the cameras record; `/home/d3kos/camera-recordings` on a boat. */
  readonly recordings: string;
  /** `/proc` and `/sys`, and `/run`: other places in tests. */
  readonly proc: string;
  readonly sys: string;
  readonly run: string;
}

/** What a collector may touch: sources, read-only. It knows nothing of the ledger but what is given here. */
export interface CollectContext {
  readonly paths: SourcePaths;
  readonly disk: Disk;
  readonly databases: Databases;
  readonly clock: Clock;
  readonly installationId: string;
  /** `full`: every record there is; `incremental`: what is new or changed since the last committed export. */
  readonly mode: 'full' | 'incremental';
  /** How far `source` of this category has been exported, as this collector last said it; undefined: from the start. */
  cursorOf(source: string): Cursor | undefined;
  /** The digest under which a state record was last exported, or undefined if it never was. */
  digestOf(recordId: string): string | undefined;
  /**
   * Tells that a state record goes with this export, or need not go with any, under a digest which the next export is given
   * by `digestOf`: from this export's commit on, and not before. Whoever collects keeps none of them.
   */
  addDigest(recordId: string, digest: string): void;
  /** What a kiosk page handed over of its localStorage key, as it was handed over; undefined where none did. Absent: no page can. */
  browserDocument?(key: string): string | undefined;
  /** Whether the owner agreed to usage analytics leaving the boat. Absent: no. */
  readonly usageConsent?: boolean;
  readonly signal: AbortSignal;
}

/** Records ready for the export file. */
export interface Page {
  /**
   * JSON objects, one per line, joined by ",\n", no line end after the last. Each begins with `{"record_id":`
   * and holds no raw line end. Valid Unicode, no NaN, no Infinity.
   */
  readonly lines: string;
  /**
   * The same as `lines` in UTF-8, given where SQLite made the bytes. Who writes the page should take them:
   * `lines` is then decoded each time it is asked for, at twice the cost of making the page.
   */
  readonly bytes?: Uint8Array;
  /** `bytes` with the ",\n" before them that parts the page from the one before: both are then one write. */
  readonly separated?: Uint8Array;
  readonly count: number;
  /**
   * Gives the memory of `bytes` back at once, where they have one of their own. Who has written the page calls it, and
   * the page is of no more use: waiting for the garbage collector costs the daemon tens of MB.
   */
  release?(): void;
}

/** What one collection found, told after its last page. Nothing in it takes effect before the export's commit. */
export interface CollectOutcome {
  readonly state: CategoryState;
  /** For a person: which source, what was wrong. Never a path outside the boat's root, never a secret. */
  readonly detail?: string;
  /** The seed's `note`, e.g. "Metadata only - image files not exported". */
  readonly note?: string;
  /** Log sources: how far they are exported once this export is committed. */
  readonly cursors: readonly CursorMove[];
}

/**
 * The range of a log source that an export answers for: after `from` (undefined: from the start), up to and with `to`.
 * A full export carries more, but answers only for what no earlier export carried: `from` is the cursor it found,
 * or undefined where that cursor no longer fits the source. When the range comes back, the lower position wins.
 */
export interface CursorMove {
  readonly source: string;
  readonly from: Cursor | undefined;
  readonly to: Cursor;
}

/**
 * One category's reader. `collect` yields pages in short read-only steps with `clock.yield()` between them
 * (none over 50 ms, no lock another service waits on) and returns the outcome. It never throws for what a
 * source can do (missing, empty, corrupt, locked): that is `state: 'error'` with no cursor moved. When the
 * state is `error` after pages were yielded, those records stay in the export and go again in the next.
 */
export interface Collector {
  readonly category: Category;
  /** Whether its records count as news: a telemetry sample alone makes no incremental export. */
  readonly isNews: boolean;
  collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void>;
}
