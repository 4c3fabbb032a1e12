import type { Category, CategoryState } from '@d3kos/protocol';
import type { Clock, Databases, Disk } from '../platform/ports.ts';
import type { Cursor } from './cursor.ts';
import type { ZonePeriod } from './policy/timestamps.ts';

export type { Cursor } from './cursor.ts';

/** Absolute paths to the sources. Collectors must work with any root. */
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

/** Everything that a collector may use. Sources are read-only. These functions are its only access to the ledger. */
export interface CollectContext {
  readonly paths: SourcePaths;
  readonly disk: Disk;
  readonly databases: Databases;
  readonly clock: Clock;
  readonly installationId: string;
  /** `full`: every record. `incremental`: only records that are new or changed since the last committed export. */
  readonly mode: 'full' | 'incremental';
  /**
   * Returns the committed cursor of a log source in this category. If it returns undefined, the source is read from the
   * start.
   */
  cursorOf(source: string): Cursor | undefined;
  /** Returns the digest that a state record had at its last export, or undefined if the record was never exported. */
  digestOf(recordId: string): string | undefined;
  /**
   * Reports the digest of a state record that this export contains or that does not need to be exported. `digestOf` returns the
   * digest once this export is committed. It must be called only once the record is on a page, because the digest counts even if
   * the collector then fails. Collectors do not keep digests themselves.
   */
  addDigest(recordId: string, digest: string): void;
  /** Returns the text that a kiosk page sent for a localStorage key, or undefined if no page sent one. */
  browserDocument?(key: string): string | undefined;
  /** Whether the owner agreed that usage analytics may leave the boat. False by default. */
  readonly usageConsent?: boolean;
  /** The boat's time zones, in chronological order. By default, the zone in `config/timezone.txt` applies to all times. */
  readonly timeZones?: readonly ZonePeriod[];
  readonly signal: AbortSignal;
}

/** Records ready for the export file. */
export interface Page {
  /**
   * JSON objects, one per line, joined by ",\n", without a newline after the last one. Each begins with `{"record_id":` and
   * contains no raw newline. The text is valid Unicode and contains no NaN or Infinity.
   */
  readonly lines: string;
  /**
   * `lines` in UTF-8, present if SQLite formatted the page. Writers should use these bytes, because each access to `lines`
   * decodes them again, which takes twice as long as creating the page.
   */
  readonly bytes?: Uint8Array;
  /** `bytes`, preceded by the ",\n" that separates the page from the previous one, so that one write is enough. */
  readonly separated?: Uint8Array;
  readonly count: number;
  /**
   * Releases the memory of `bytes` immediately, because waiting for the garbage collector would cost the daemon tens of MB. The
   * writer calls this after writing the page. The page must not be used afterwards.
   */
  release?(): void;
}

/** A collection's result, returned after the last page. It takes effect when the export is committed. */
export interface CollectOutcome {
  readonly state: CategoryState;
  /** Human-readable description of the source's problem, without secrets or paths outside the boat's root. */
  readonly detail?: string;
  /** The legacy exporter's `note`, for example "Metadata only - image files not exported". */
  readonly note?: string;
  /** The cursors of log sources after this export's commit. */
  readonly cursors: readonly CursorMove[];
}

/**
 * The range of a log source that an export is responsible for: after `from`, or from the start if `from` is undefined, up to and
 * including `to`. A full export contains more rows, but its range covers only rows that no earlier export contained. `from` is
 * the stored cursor, or undefined if that cursor no longer fits the source. When ranges are rewound, the lower position applies
 * (decision 0004).
 */
export interface CursorMove {
  readonly source: string;
  readonly from: Cursor | undefined;
  readonly to: Cursor;
}

/**
 * Reads one category. `collect` yields pages and returns the outcome. It reads in steps of at most 50 ms, with `clock.yield()`
 * between them, and holds no lock that another service waits for. It does not throw for a missing, empty, corrupt or locked
 * source: the outcome then has the corresponding state and moves no cursor. If the state is `error` after pages were yielded, the
 * records on those pages stay in the export, and the next export contains them again.
 */
export interface Collector {
  readonly category: Category;
  /** Whether records of this category justify an incremental export. A telemetry sample alone does not. */
  readonly isNews: boolean;
  collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void>;
}
