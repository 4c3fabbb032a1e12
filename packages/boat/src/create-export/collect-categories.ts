import type { Category } from '@d3kos/protocol';
import type { CollectContext, CollectOutcome, Collector, Page } from '../collect/collector.ts';
import type { Cursor } from '../collect/cursor.ts';
import type { CategoryCount, CategoryMoves, RecordDigest } from '../ledger/entry.ts';
import type { ExportWriter } from '../spool/export-file.ts';
import { toCollectContext } from './collect-context.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';
import { rememberTimeZones } from './time-zones.ts';

/** Number of bytes written between two checks of the disk reserve. A huge export must not use up other services' space. */
const RESERVE_CHECK_BYTES = 16 * 1024 * 1024;

/**
 * Maximum number of digests per category that are buffered in memory until the export's commit. Any further digests are staged in
 * the ledger before the commit. Writing 250 digests takes about 4 ms on the benchmark machine, and few boats have 250 state
 * records that change between two exports, so nearly every export needs only one commit (decision 0028).
 */
export const BUFFERED_DIGESTS_MAX = 250;

/** The combined results of all collectors. */
export interface Collected {
  readonly categories: Readonly<Partial<Record<Category, CategoryCount>>>;
  readonly moves: readonly CategoryMoves[];
  readonly recordCount: number;
  readonly isNews: boolean;
  /** Number of the entry for which digests are staged. Undefined if there are no staged digests. */
  readonly stagedNo: number | undefined;
}

/**
 * Writes every category as one section of the export file. Rejects with the signal's reason when aborted, and with disk and
 * ledger errors. If an export is never queued, its staged digests do not count and are purged before the next export.
 */
export async function collectCategories(
  deps: CreateExportDeps,
  request: Pick<ExportRequest, 'type' | 'installationId'>,
  writer: ExportWriter,
  signal: AbortSignal,
): Promise<Collected> {
  const { ledger, world } = deps;
  const categories: Partial<Record<Category, CategoryCount>> = {};
  const moves: CategoryMoves[] = [];
  let recordCount = 0;
  let isNews = false;
  let stagedNo: number | undefined;
  const checkReserve = createReserveCheck(deps, writer);
  const timeZones = await rememberTimeZones(deps, signal);
  for (const collector of deps.collectors) {
    const { category } = collector;
    let count = 0;
    const beganMs = world.clock.monotonic();
    let digests: RecordDigest[] = [];
    const found = new Map<string, Cursor | undefined>();
    const context = toCollectContext(deps, { ...request, timeZones }, category, signal);
    const recording: CollectContext = {
      ...context,
      cursorOf: (source) => {
        const cursor = context.cursorOf(source);
        found.set(source, cursor);
        return cursor;
      },
      addDigest: (recordId, digest) => void digests.push({ recordId, digest }),
    };
    const stageDigests = async (): Promise<void> => {
      if (digests.length <= BUFFERED_DIGESTS_MAX) return;
      stagedNo = ledger.queue.stageDigests(stagedNo, category, digests);
      digests = [];
      await world.clock.yield();
    };
    await writer.open(category);
    const outcome = await writePages(collector, recording, writer, async (page) => {
      count += page.count;
      deps.onProgress({ category, count });
      await checkReserve();
      await stageDigests();
    });
    await stageDigests();
    await writer.close(outcome);
    const { state, detail, cursors } = outcome;
    categories[category] = { state, count, ...(detail === undefined ? {} : { detail }) };
    deps.onCategory?.({ category, state, count, durationMs: world.clock.monotonic() - beganMs });
    moves.push({ category, cursors, digests, found });
    recordCount += count;
    if (collector.isNews && count > 0) isNews = true;
  }
  return { categories, moves, recordCount, isNews, stagedNo };
}

/**
 * Writes one category's pages and calls `onPage` for each. The collector creates the next page while the disk is still writing
 * the previous one (decision 0021).
 */
async function writePages(
  collector: Collector,
  context: CollectContext,
  writer: ExportWriter,
  onPage: (page: Page) => Promise<void>,
): Promise<CollectOutcome> {
  // If this function throws, disposal closes the collector's source.
  await using pages = collector.collect(context);
  let writing: Promise<void> = Promise.resolve();
  let step = await pages.next();
  while (step.done !== true) {
    context.signal.throwIfAborted();
    await writing;
    writing = writer.page(step.value);
    // The next `await writing` throws the error of a failed write. Until then, the rejection must not count as unhandled.
    writing.catch(() => undefined);
    await onPage(step.value);
    step = await pages.next();
  }
  await writing;
  return step.value;
}

/** Checks the disk reserve once for every `RESERVE_CHECK_BYTES` written. */
function createReserveCheck({ retention }: CreateExportDeps, writer: ExportWriter): () => Promise<void> {
  let checkedAtBytes = 0;
  return async () => {
    if (writer.sizeBytes() - checkedAtBytes < RESERVE_CHECK_BYTES) return;
    checkedAtBytes = writer.sizeBytes();
    await retention.ensureReserve();
  };
}
