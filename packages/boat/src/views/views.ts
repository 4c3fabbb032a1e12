import type { WallMs, World } from '../platform/ports.ts';
import type { Entry, HistoryRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toLegacyTime } from '../ledger/labels.ts';

/** Maximum number of delivered exports in `export_history.json`: years of daily exports in a file of a few MB. */
const HISTORY_VIEW_MAX = 10_000;

/** Number of rows formatted per step. A step takes a few milliseconds on a Raspberry Pi. */
const VIEW_PAGE_ROWS = 200;

/** Formats an entry exactly as the legacy exporter did, with the same keys, order and types. */
export function toQueueView(entry: Entry) {
  return {
    queue_id: entry.queueId,
    export_file: entry.exportFile,
    created_at: toLegacyTime(entry.createdAtMs),
    tier: entry.tier,
    category_count: entry.categoryCount,
    file_size_bytes: entry.fileSizeBytes,
    status: entry.status,
    retry_count: entry.retryCount,
    next_retry_at: toLegacyTime(entry.nextRetryAtMs),
    last_error: entry.lastError ?? null,
    ...(entry.completedAtMs === undefined ? {} : { completed_at: toLegacyTime(entry.completedAtMs) }),
    ...(entry.status !== 'failed' || entry.failedAtMs === undefined
      ? {}
      : { failed_at: toLegacyTime(entry.failedAtMs) }),
  };
}

/** Formats a delivered export as the legacy exporter did, and adds the counts that central reported. */
export function toHistoryView(row: HistoryRow) {
  return {
    queue_id: row.queueId,
    export_file: row.exportFile,
    created_at: toLegacyTime(row.createdAtMs),
    tier: row.tier,
    category_count: row.categoryCount,
    file_size_bytes: row.fileSizeBytes,
    status: 'completed' as const,
    retry_count: row.retryCount,
    next_retry_at: toLegacyTime(row.createdAtMs),
    last_error: row.lastError ?? null,
    completed_at: toLegacyTime(row.completedAtMs),
    export_id: row.exportId,
    export_type: row.exportType,
    record_count: row.recordCount,
    wire_size_bytes: row.wireSizeBytes,
    records_imported: row.recordsImported,
    rejected_records: row.rejectedRecords,
  };
}

/** Yields a view's text in chunks. Each covers at most one page of rows, so that the event loop can run in between. */
type Pieces = Generator<string, void, void>;

/** The legacy exporter's lists, in its order. `uploading` is not a stored status: the ledger stores these entries as pending. */
function* toQueuePieces(ledger: Ledger, nowMs: WallMs): Pieces {
  yield `{\n  "version": "1.0",\n  "last_updated": ${JSON.stringify(toLegacyTime(nowMs))},\n  "pending": `;
  yield* toList(entriesOf(ledger, 'pending', 'pending'));
  yield ',\n  "uploading": ';
  yield* toList(entriesOf(ledger, 'pending', 'uploading'));
  yield ',\n  "completed": ';
  yield* toList(entriesOf(ledger, 'completed', 'completed'));
  yield ',\n  "failed": ';
  yield* toList(entriesOf(ledger, 'failed', 'failed'));
  yield '\n}\n';
}

/** The history, oldest first, as with the legacy exporter, which appended to it. */
function* toHistoryPieces(ledger: Ledger): Pieces {
  yield '{\n  "version": "1.0",\n  "exports": ';
  yield* toList(historyOf(ledger));
  yield '\n}\n';
}

function* toList(pages: Generator<readonly unknown[], void, void>): Pieces {
  let separator = '[\n    ';
  for (const page of pages) {
    yield page
      .map((item) => {
        const text = `${separator}${JSON.stringify(item)}`;
        separator = ',\n    ';
        return text;
      })
      .join('');
  }
  yield separator.startsWith('[') ? '[]' : '\n  ]';
}

function* entriesOf(
  ledger: Ledger,
  stored: 'pending' | 'completed' | 'failed',
  status: Entry['status'],
): Generator<readonly unknown[], void, void> {
  for (let after = 0; ;) {
    const page = ledger.queue.page(stored, after, VIEW_PAGE_ROWS);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.entryNo;
    yield page.filter((entry) => entry.status === status).map(toQueueView);
  }
}

function* historyOf(ledger: Ledger): Generator<readonly unknown[], void, void> {
  for (let after = Math.max(0, ledger.queue.newestHistoryNo() - HISTORY_VIEW_MAX); ;) {
    const { rows, lastHistoryNo } = ledger.queue.historyPage(after, VIEW_PAGE_ROWS);
    if (rows.length === 0) return;
    after = lastHistoryNo;
    yield rows.map(toHistoryView);
  }
}

/**
 * Writes the JSON views, each atomically. The event loop can run between pages. The views are for other programs and for people.
 * This program reads files with these names only at its first start, to import a legacy queue. The rename is not synced, so a
 * power cut may restore the previous view; the next start replaces it (decision 0022). `queue` writes only the queue view, after
 * a change that does not affect the history.
 */
export async function writeViews(
  world: Pick<World, 'clock' | 'disk'>,
  paths: { readonly queueFile: string; readonly historyFile: string },
  ledger: Ledger,
  which: 'queue' | 'both',
): Promise<void> {
  await writeView(world, paths.queueFile, toQueuePieces(ledger, world.clock.wall()));
  if (which === 'both') await writeView(world, paths.historyFile, toHistoryPieces(ledger));
}

async function writeView(
  { clock, disk }: Pick<World, 'clock' | 'disk'>,
  path: string,
  pieces: Pieces,
): Promise<void> {
  const file = await disk.stage(path, 'everyone');
  try {
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      await file.write(Buffer.from(piece, 'utf8'));
      await clock.yield();
    }
    await file.place();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
