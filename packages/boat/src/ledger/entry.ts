import type { Category, CategoryState, RejectedRecord, Tier } from '@d3kos/protocol';
import type { CursorMove } from '../collect/collector.ts';
import type { Cursor } from '../collect/cursor.ts';
import type { WallMs } from '../platform/ports.ts';
import type { Slice } from '../spool/policy.ts';

/** The seed's four lists. A cancelled entry is `failed` with its reason: its file is kept by the same rule. */
export const ENTRY_STATUSES = ['pending', 'uploading', 'completed', 'failed'] as const;
export type EntryStatus = (typeof ENTRY_STATUSES)[number];

export type ExportType = 'full' | 'incremental';
export type ExportTrigger = 'manual' | 'scheduled' | 'boot';

/** What one category gave to one export. */
export interface CategoryCount {
  readonly state: CategoryState;
  readonly count: number;
  readonly detail?: string;
}
export type CategoryCounts = Readonly<Partial<Record<Category, CategoryCount>>>;

/** An export's row in the queue. Times are the boat's wall clock: labels only. */
export interface Entry {
  /** Order of arrival. */
  readonly entryNo: number;
  readonly queueId: string;
  readonly exportId: string;
  /** The true absolute path of its file. */
  readonly exportFile: string;
  readonly exportType: ExportType;
  readonly trigger: ExportTrigger;
  readonly tier: Tier;
  readonly sequence: number;
  readonly categoryCount: number;
  readonly recordCount: number;
  readonly categories: CategoryCounts;
  readonly fileSizeBytes: number;
  readonly createdAtMs: WallMs;
  readonly status: EntryStatus;
  /** Attempts spent, 0 to 4; an acknowledged part sets it back to 0. */
  readonly retryCount: number;
  readonly nextRetryAtMs: WallMs;
  readonly lastError: string | undefined;
  /** The part size it is cut by; undefined until it is first sent. */
  readonly partSizeBytes: number | undefined;
  /** Bytes of bodies sent so far for it, after compression, acknowledged or not. */
  readonly wireSizeBytes: number;
  readonly completedAtMs: WallMs | undefined;
  readonly failedAtMs: WallMs | undefined;
}

/** What of an entry that waits its turn depends on. */
export type Waiting = Pick<Entry, 'entryNo' | 'fileSizeBytes' | 'retryCount' | 'nextRetryAtMs'>;

/** Under which digest a state record goes with an export. */
export interface RecordDigest {
  readonly recordId: string;
  readonly digest: string;
}

/** A record range or digest set that one category's collection leaves in the ledger when its export is committed. */
export interface CategoryMoves {
  readonly category: Category;
  readonly cursors: readonly CursorMove[];
  readonly digests: readonly RecordDigest[];
  /**
   * The cursors as the collection read them, by source. One that is another by now was given back while the export was
   * made, and stays where it went: its range goes with the next export. Without this, every cursor moves.
   */
  readonly found?: ReadonlyMap<string, Cursor | undefined>;
}

/** What `enqueue` needs of a committed export file. */
export interface NewEntry {
  readonly queueId: string;
  readonly exportId: string;
  readonly exportFile: string;
  readonly exportType: ExportType;
  readonly trigger: ExportTrigger;
  readonly tier: Tier;
  readonly sequence: number;
  readonly categoryCount: number;
  readonly recordCount: number;
  readonly categories: CategoryCounts;
  readonly fileSizeBytes: number;
  readonly createdAtMs: WallMs;
}

/** One part of an export. `slices` undefined: the file itself. */
export interface PartRow {
  readonly index: number;
  readonly slices: readonly Slice[] | undefined;
  readonly acknowledged: boolean;
}

/** One delivered export. */
export interface HistoryRow {
  readonly queueId: string;
  readonly exportId: string;
  readonly exportFile: string;
  readonly exportType: ExportType;
  readonly tier: Tier;
  readonly categoryCount: number;
  readonly recordCount: number;
  readonly fileSizeBytes: number;
  readonly wireSizeBytes: number;
  readonly createdAtMs: WallMs;
  readonly completedAtMs: WallMs;
  readonly retryCount: number;
  readonly lastError: string | undefined;
  readonly recordsImported: Readonly<Record<string, number>>;
  readonly rejectedRecords: readonly RejectedRecord[];
}

/** How many entries each list holds. */
export type QueueCounts = Readonly<Record<EntryStatus, number>>;
