import type { Tier } from '@d3kos/protocol';
import type { WallMs } from '../platform/ports.ts';
import type { CategoryCounts, Entry, EntryStatus, ExportTrigger, ExportType, HistoryRow } from './entry.ts';

/** A row as node:sqlite gives it. The tables are STRICT and written only here, so their types are what the schema says. */
export type Row = Readonly<Record<string, unknown>>;

const optional = <T>(value: unknown): T | undefined => (value === null ? undefined : (value as T));

/** An `entries` row as an Entry. The casts are the schema's types, which STRICT tables enforce. */
export function toEntry(row: Row): Entry {
  return {
    entryNo: row['entry_no'] as number,
    queueId: row['queue_id'] as string,
    exportId: row['export_id'] as string,
    exportFile: row['export_file'] as string,
    exportType: row['export_type'] as ExportType,
    trigger: row['trigger_kind'] as ExportTrigger,
    tier: row['tier'] as Tier,
    sequence: row['sequence'] as number,
    categoryCount: row['category_count'] as number,
    recordCount: row['record_count'] as number,
    categories: JSON.parse(row['categories'] as string) as CategoryCounts,
    fileSizeBytes: row['file_size_bytes'] as number,
    createdAtMs: row['created_at_ms'] as WallMs,
    status: row['status'] as EntryStatus,
    retryCount: row['retry_count'] as number,
    nextRetryAtMs: row['next_retry_at_ms'] as WallMs,
    lastError: optional<string>(row['last_error']),
    partSizeBytes: optional<number>(row['part_size_bytes']),
    wireSizeBytes: row['wire_size_bytes'] as number,
    completedAtMs: optional<WallMs>(row['completed_at_ms']),
    failedAtMs: optional<WallMs>(row['failed_at_ms']),
  };
}

/** A `history` row as a HistoryRow. */
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
