import type { Tier } from '@d3kos/protocol';
import type { WallMs } from '../platform/ports.ts';
import type { CategoryCounts, Entry, EntryStatus, ExportTrigger, ExportType, HistoryRow } from './entry.ts';

/** A row from node:sqlite. The tables are STRICT, so the values have the types of the schema. */
export type Row = Readonly<Record<string, unknown>>;

const optional = <T>(value: unknown): T | undefined => (value === null ? undefined : (value as T));

/** The columns of `entries` that make up an Entry, in the same order as EntryRow. */
export const ENTRY_COLUMNS =
  'entry_no, queue_id, export_id, export_file, export_type, trigger_kind, tier, sequence, category_count, record_count, ' +
  'categories, file_size_bytes, created_at_ms, status, retry_count, next_retry_at_ms, last_error, part_size_bytes, ' +
  'wire_size_bytes, completed_at_ms, failed_at_ms, refusal_count';

/** A row of ENTRY_COLUMNS, which node:sqlite returns as an array. STRICT tables enforce these types. */
export type EntryRow = readonly [
  entryNo: number,
  queueId: string,
  exportId: string,
  exportFile: string,
  exportType: ExportType,
  trigger: ExportTrigger,
  tier: Tier,
  sequence: number,
  categoryCount: number,
  recordCount: number,
  categories: string,
  fileSizeBytes: number,
  createdAtMs: WallMs,
  status: EntryStatus,
  retryCount: number,
  nextRetryAtMs: WallMs,
  lastError: string | null,
  partSizeBytes: number | null,
  wireSizeBytes: number,
  completedAtMs: WallMs | null,
  failedAtMs: WallMs | null,
  refusalCount: number,
];

/** Converts a row of ENTRY_COLUMNS to an Entry. */
export function toEntry(row: EntryRow): Entry {
  return {
    entryNo: row[0],
    queueId: row[1],
    exportId: row[2],
    exportFile: row[3],
    exportType: row[4],
    trigger: row[5],
    tier: row[6],
    sequence: row[7],
    categoryCount: row[8],
    recordCount: row[9],
    categories: JSON.parse(row[10]) as CategoryCounts,
    fileSizeBytes: row[11],
    createdAtMs: row[12],
    status: row[13],
    retryCount: row[14],
    nextRetryAtMs: row[15],
    lastError: row[16] ?? undefined,
    partSizeBytes: row[17] ?? undefined,
    wireSizeBytes: row[18],
    completedAtMs: row[19] ?? undefined,
    failedAtMs: row[20] ?? undefined,
    refusalCount: row[21],
  };
}

/** Converts a row of `history` to a HistoryRow. */
export function toHistoryRow(row: Row): HistoryRow {
  return {
    queueId: row['queue_id'] as string,
    exportId: row['export_id'] as string,
    exportFile: row['export_file'] as string,
    exportType: row['export_type'] as ExportType,
    tier: row['tier'] as Tier,
    categoryCount: row['category_count'] as number,
    recordCount: row['record_count'] as number,
    fileSizeBytes: row['file_size_bytes'] as number,
    wireSizeBytes: row['wire_size_bytes'] as number,
    createdAtMs: row['created_at_ms'] as WallMs,
    completedAtMs: row['completed_at_ms'] as WallMs,
    retryCount: row['retry_count'] as number,
    lastError: optional<string>(row['last_error']),
    recordsImported: JSON.parse(row['records_imported'] as string) as HistoryRow['recordsImported'],
    rejectedRecords: JSON.parse(row['rejected_records'] as string) as HistoryRow['rejectedRecords'],
  };
}
