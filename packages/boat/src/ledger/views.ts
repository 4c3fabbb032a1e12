import { dirname } from 'node:path';
import type { Disk, WallMs } from '../platform/ports.ts';
import type { Entry, HistoryRow } from './entry.ts';
import type { Ledger } from './ledger.ts';
import { toSeedTime } from './policy.ts';

/** Most delivered exports in `export_history.json`: years of daily exports, and a file that stays under a few MB. */
const HISTORY_VIEW_MAX = 10_000;

/** An entry in the seed's exact format: its keys, their order and types. */
export function toQueueView(entry: Entry): Readonly<Record<string, unknown>> {
  return {
    queue_id: entry.queueId,
    export_file: entry.exportFile,
    created_at: toSeedTime(entry.createdAtMs),
    tier: entry.tier,
    category_count: entry.categoryCount,
    file_size_bytes: entry.fileSizeBytes,
    status: entry.status,
    retry_count: entry.retryCount,
    next_retry_at: toSeedTime(entry.nextRetryAtMs),
    last_error: entry.lastError ?? null,
    ...(entry.completedAtMs === undefined ? {} : { completed_at: toSeedTime(entry.completedAtMs) }),
    ...(entry.failedAtMs === undefined ? {} : { failed_at: toSeedTime(entry.failedAtMs) }),
  };
}

/** A delivered export in the seed's history format, with what central counted beside it. */
export function toHistoryView(row: HistoryRow): Readonly<Record<string, unknown>> {
  return {
    queue_id: row.queueId,
    export_file: row.exportFile,
    created_at: toSeedTime(row.createdAtMs),
    tier: row.tier,
    category_count: row.categoryCount,
    file_size_bytes: row.fileSizeBytes,
    status: 'completed',
    retry_count: row.retryCount,
    next_retry_at: toSeedTime(row.createdAtMs),
    last_error: row.lastError ?? null,
    completed_at: toSeedTime(row.completedAtMs),
    export_id: row.exportId,
    export_type: row.exportType,
    record_count: row.recordCount,
    wire_size_bytes: row.wireSizeBytes,
    records_imported: row.recordsImported,
    rejected_records: row.rejectedRecords,
  };
}

/** The whole of `export_queue.json`. */
export function toQueueFile(ledger: Ledger, nowMs: WallMs): Readonly<Record<string, unknown>> {
  const list = (status: Entry['status']) => ledger.queue.list(status).map(toQueueView);
  return {
    version: '1.0',
    last_updated: toSeedTime(nowMs),
    pending: list('pending'),
    uploading: list('uploading'),
    completed: list('completed'),
    failed: list('failed'),
  };
}

/** The whole of `export_history.json`, oldest first as the seed appends. */
export function toHistoryFile(ledger: Ledger): Readonly<Record<string, unknown>> {
  return { version: '1.0', exports: ledger.queue.history(HISTORY_VIEW_MAX).toReversed().map(toHistoryView) };
}

/**
 * Writes both JSON views, each atomically and durably. They are for other programs and for people; this program
 * reads them only once, at first start, to import an old queue.
 */
export async function writeViews(
  disk: Disk,
  paths: { readonly queueFile: string; readonly historyFile: string },
  ledger: Ledger,
  nowMs: WallMs,
): Promise<void> {
  await disk.makeDirectory(dirname(paths.queueFile));
  const encode = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  await disk.replace(paths.queueFile, encode(toQueueFile(ledger, nowMs)));
  await disk.replace(paths.historyFile, encode(toHistoryFile(ledger)));
}
