import type { Category, CategoryState, RejectedRecord, Tier } from '@d3kos/protocol';
import type { CursorMove } from '../collect/collector.ts';
import type { Cursor } from '../collect/cursor.ts';
import type { WallMs } from '../platform/ports.ts';
import type { Slice } from '../spool/policy.ts';

/**
 * The four statuses of the legacy exporter. A cancelled entry is `failed`, because the same retention applies to its
 * file.
 */
export const ENTRY_STATUSES = ['pending', 'uploading', 'completed', 'failed'] as const;
export type EntryStatus = (typeof ENTRY_STATUSES)[number];

export type ExportType = 'full' | 'incremental';
export type ExportTrigger = 'manual' | 'scheduled' | 'boot';

/** The result of one category in one export. */
export interface CategoryCount {
  readonly state: CategoryState;
  readonly count: number;
  readonly detail?: string;
}
export type CategoryCounts = Readonly<Partial<Record<Category, CategoryCount>>>;

/** The facts about a finished export file. Times are from the boat's wall clock and serve only as labels. */
interface ExportFacts {
  readonly queueId: string;
  readonly exportId: string;
  /** The absolute path of the export file. */
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
  /** When the export last failed. It stays when the export is retried. */
  readonly failedAtMs: WallMs | undefined;
}

/** A state record's digest in an export. */
export interface RecordDigest {
  readonly recordId: string;
  readonly digest: string;
}

/** The ranges or digests of one category that are stored when its export is committed. */
export interface CategoryMoves {
  readonly category: Category;
  readonly cursors: readonly CursorMove[];
  readonly digests: readonly RecordDigest[];
  /**
   * The cursors that the collection read, by source. A cursor that differs at the commit was rewound in the meantime. It does not
   * move, so the next export covers its range again. If absent, every cursor moves.
   */
  readonly found?: ReadonlyMap<string, Cursor | undefined>;
}

/** The facts about a finished export file that `enqueue` stores. */
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
