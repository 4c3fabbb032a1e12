import type { Category, CategoryState, RejectedRecord, Tier } from '@d3kos/protocol';
import type { CursorMove } from '../collect/collector.ts';
import type { Cursor } from '../collect/cursor.ts';
import type { WallMs } from '../platform/ports.ts';
import type { Slice } from '../spool/policy.ts';

/** The legacy exporter's four statuses. A cancelled entry is `failed`, because the same retention applies to its file. */
export const ENTRY_STATUSES = ['pending', 'uploading', 'completed', 'failed'] as const;
export type EntryStatus = (typeof ENTRY_STATUSES)[number];

export type ExportType = 'full' | 'incremental';
export type ExportTrigger = 'manual' | 'scheduled' | 'boot';

/** One category's result in one export. */
export interface CategoryCount {
  readonly state: CategoryState;
  readonly count: number;
  readonly detail?: string;
}
export type CategoryCounts = Readonly<Partial<Record<Category, CategoryCount>>>;

/** Describes a finished export file. Times are from the boat's wall clock and serve only as labels. */
interface ExportFacts {
  readonly queueId: string;
  readonly exportId: string;
  /** The export file's absolute path. */
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

/** An export's row in the queue. */
export interface Entry extends ExportFacts {
  /** Order of arrival. */
  readonly entryNo: number;
  readonly status: EntryStatus;
  /** Number of attempts used, 0 to 4. An acknowledged part resets it to 0. */
  readonly retryCount: number;
  /** Number of consecutive refusals by an intermediary. An acknowledged part resets it to 0. */
  readonly refusalCount: number;
  readonly nextRetryAtMs: WallMs;
  readonly lastError: string | undefined;
  /** The part size with which the export was split. Undefined until it is first sent. */
  readonly partSizeBytes: number | undefined;
  /** Total size of the request bodies sent so far, in bytes after compression, whether acknowledged or not. */
  readonly wireSizeBytes: number;
  readonly completedAtMs: WallMs | undefined;
  /** When the export last failed. The time is kept when the export is retried. */
  readonly failedAtMs: WallMs | undefined;
}

/** The digest of a state record in an export. */
export interface RecordDigest {
  readonly recordId: string;
  readonly digest: string;
}

/** One category's ranges or digests, stored when the export is committed. */
export interface CategoryMoves {
  readonly category: Category;
  readonly cursors: readonly CursorMove[];
  readonly digests: readonly RecordDigest[];
  /**
   * The cursors that the collection read, by source. If a cursor differs at the commit, it was rewound in the meantime. It then
   * does not move, so the next export covers its range again. If this property is absent, all cursors move.
   */
  readonly found?: ReadonlyMap<string, Cursor | undefined>;
}

/** What `enqueue` stores about a finished export file. */
export interface NewEntry extends ExportFacts {
  /** The ledger of `sequence`, according to the file. Undefined for an adopted file. */
  readonly ledgerId?: string;
}

/** One part of an export. If `slices` is undefined, the part is the complete file. */
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

/** The number of entries with each status. */
export type QueueCounts = Readonly<Record<EntryStatus, number>>;
