import type { WallMs, World } from '../platform/ports.ts';
import type { Entry, HistoryRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toLegacyTime } from '../ledger/policy.ts';

/** Most delivered exports in `export_history.json`: years of daily exports, and a file that stays under a few MB. */
const HISTORY_VIEW_MAX = 10_000;

/** Rows made into text at once: a few milliseconds on a Pi. */
const VIEW_PAGE_ROWS = 200;

/** An entry in the seed's exact format: its keys, their order and types. */
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
    ...(entry.failedAtMs === undefined ? {} : { failed_at: toLegacyTime(entry.failedAtMs) }),
  };
}

/** A delivered export in the seed's history format, with what central counted beside it. */
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

/** Pieces of a view's text, made page by page: nothing else waits longer than for one page of rows. */
type Pieces = Generator<string, void, void>;

/** The seed's lists in its order. `uploading` is not a stored status: those entries stand among the pending. */
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

/** Oldest first, as the seed appends. */
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
 * Writes the JSON views, each whole or as it was, with the event loop free between their pages. Views are for other
 * programs and for people; this program reads them only once, at first start, to import an old queue. Their names are
 * not synced: a power cut may bring the view before back, which the next start writes anew anyway (decision 0022).
 * `queue`: the history has not changed.
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
  const file = await disk.stage(path);
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
