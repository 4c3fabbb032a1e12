import type { Category, CategoryState } from '@d3kos/protocol';
import type { Clock, Databases, Disk } from '../platform/ports.ts';
import type { Cursor } from './cursor.ts';

export type { Cursor } from './cursor.ts';

/** Absolute paths of the sources. Collectors must work with any root. */
export interface SourcePaths {
  /** `/opt/d3kos` on a boat. */
  readonly root: string;
  /** Folder of the camera recordings, `/home/d3kos/camera-recordings` on a boat. */
  readonly recordings: string;
  /** `/proc`, `/sys` and `/run` on a boat. */
  readonly proc: string;
  readonly sys: string;
  readonly run: string;
}

/** Everything that a collector may use. Sources are read-only, and the ledger is visible only through these functions. */
export interface CollectContext {
  readonly paths: SourcePaths;
  readonly disk: Disk;
  readonly databases: Databases;
  readonly clock: Clock;
  readonly installationId: string;
  /** `full`: every record. `incremental`: records that are new or changed since the last committed export. */
  readonly mode: 'full' | 'incremental';
  /** The committed cursor of a log source of this category. Undefined: read from the start. */
  cursorOf(source: string): Cursor | undefined;
  /** The digest of a state record when it was last exported. Undefined if it never was. */
  digestOf(recordId: string): string | undefined;
  /**
   * Reports the digest of a state record that this export carries, or that needs no export. `digestOf` returns it from the
   * commit of this export on. Collectors do not keep digests themselves.
   */
  addDigest(recordId: string, digest: string): void;
  /** The text that a kiosk page sent for a localStorage key. Undefined if none did. */
  browserDocument?(key: string): string | undefined;
  /** Whether the owner agreed that usage analytics leave the boat. Absent: no. */
  readonly usageConsent?: boolean;
  readonly signal: AbortSignal;
}

/** Records ready for the export file. */
export interface Page {
  /**
   * JSON objects, one per line, joined by ",\n", without a line end after the last. Each begins with `{"record_id":` and
   * contains no raw line end. Valid Unicode, no NaN, no Infinity.
   */
  readonly lines: string;
  /**
   * `lines` in UTF-8, present if SQLite made the page. A writer should use these bytes: each access to `lines` decodes them
   * again, which costs twice as much as making the page.
   */
  readonly bytes?: Uint8Array;
  /** `bytes` preceded by the ",\n" that separates the page from the previous one, so that both are one write. */
  readonly separated?: Uint8Array;
  readonly count: number;
  /**
   * Releases the memory of `bytes` at once; waiting for the garbage collector costs the daemon tens of MB. The writer calls it
   * after writing the page, which must not be used afterwards.
   */
  release?(): void;
}

/** The result of one collection, returned after its last page. It takes effect with the export's commit. */
export interface CollectOutcome {
  readonly state: CategoryState;
  /** For a person: the source and its problem. Contains no path outside the boat's root and no secret. */
  readonly detail?: string;
  /** The legacy exporter's `note`, for example "Metadata only - image files not exported". */
  readonly note?: string;
  /** The cursors of log sources after this export's commit. */
  readonly cursors: readonly CursorMove[];
}

/**
 * The range of a log source that an export is responsible for: after `from` (undefined: from the start) up to and including
 * `to`. A full export carries more, but its range covers only rows that no earlier export carried. `from` is the cursor that
 * it found, or undefined if that cursor no longer fits the source. When ranges are rewound, the lower position wins
 * (decision 0004).
 */
export interface CursorMove {
  readonly source: string;
  readonly from: Cursor | undefined;
  readonly to: Cursor;
}

/**
 * Reads one category. `collect` yields pages and returns the outcome. It reads in steps of at most 50 ms, with
 * `clock.yield()` between them, and holds no lock that another service waits for. It does not throw for a missing, empty,
 * corrupt or locked source; the outcome then has the matching state and moves no cursor. If the state is `error` after pages
 * were yielded, their records stay in the export and are exported again by the next one.
 */
export interface Collector {
  readonly category: Category;
  /** Whether its records justify an incremental export. A telemetry sample alone does not. */
  readonly isNews: boolean;
  collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void>;
}
