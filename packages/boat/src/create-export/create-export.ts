import { join } from 'node:path';
import { CATEGORIES, type Category } from '@d3kos/protocol';
import type { CategoryCount, CategoryMoves, Entry, NewEntry } from '../ledger/entry.ts';
import { toNumberedName, toLegacyTime, toStamp } from '../ledger/labels.ts';
import { keepBallast } from '../ledger/spare-pages.ts';
import { createExportWriter } from '../spool/export-file.ts';
import { toFailedFile } from '../spool/spool-paths.ts';
import { collectCategories } from './collect-categories.ts';
import { toDocumentHeader } from './document-header.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';
import { decideExportType, findUnread, judgeCollected, type UnreadCategory, usesUpSlot } from './policy.ts';

/** An export's result (see `judgeCollected`). With `nothing_new` and `unread`, nothing was queued. */
export type CreateResult =
  | { readonly kind: 'queued'; readonly entry: Entry; readonly unread: readonly UnreadCategory[] }
  | { readonly kind: 'nothing_new'; readonly categories: Categories }
  | { readonly kind: 'unread'; readonly categories: Categories; readonly unread: readonly UnreadCategory[] };

type Categories = Readonly<Partial<Record<Category, CategoryCount>>>;

/**
 * Creates one export: collects the nine categories into a file, makes the file durable, then enqueues it and moves the cursors in
 * one transaction. An export that resolves as `queued` survives a power cut. A power cut before that transaction leaves at most a
 * file without an entry, which the next start adopts. The manager creates only one export at a time. Throws DISK_RESERVE,
 * DISK_FULL, DISK_READ_ONLY, DISK_FAILED and LEDGER_FAILED. After any of these errors, nothing has changed.
 */
export async function createExport(
  deps: CreateExportDeps,
  requested: ExportRequest,
  signal: AbortSignal,
): Promise<CreateResult> {
  const { world } = deps;
  await prepare(deps, signal);
  const request = { ...requested, type: decideExportType(requested.type, deps.ledger.changes.isFullDue()) };
  const nowMs = world.clock.wall();
  const names = await findFreeNames(deps, nowMs);
  const header = await toDocumentHeader(deps, request, toLegacyTime(nowMs), signal);
  const writer = await createExportWriter(world.disk, names.file, header);
  try {
    const collected = await collectCategories(deps, request, writer, signal);
    const unread = findUnread(collected.categories);
    const verdict = judgeCollected({ type: request.type, isNews: collected.isNews, unread });
    if (verdict !== 'queue') {
      await writer.discard();
      return { kind: verdict, categories: collected.categories, unread };
    }
    const fileSizeBytes = await writer.commit();
    const entry = await enqueueOrRemove(
      deps,
      {
        queueId: names.queueId,
        exportId: header.export_id,
        exportFile: names.file,
        exportType: request.type,
        trigger: request.trigger,
        tier: request.tier,
        sequence: header.sequence,
        ledgerId: header.ledger_id,
        categoryCount: CATEGORIES.length,
        recordCount: collected.recordCount,
        categories: collected.categories,
        fileSizeBytes,
        createdAtMs: nowMs,
      },
      collected.moves,
      { slotId: usesUpSlot(unread) ? request.slotId : undefined, stagedNo: collected.stagedNo },
    );
    return { kind: 'queued', entry, unread };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Ensures free space for the export, and purges staged digests of exports that were never queued or were rewound. */
async function prepare(
  { world, ledger, paths, retention }: CreateExportDeps,
  signal: AbortSignal,
): Promise<void> {
  await retention.ensureReserve();
  ledger.ensureSparePages();
  await keepBallast(world.disk, paths.ballast);
  while (ledger.progress.digests.purge()) {
    signal.throwIfAborted();
    await world.clock.yield();
  }
}

/**
 * Enqueues the export. If this fails and the ledger has no entry for the export, it removes the file, because the next start
 * would adopt the file after newer exports. If the ledger cannot be read, the file stays, and its sequence is never used again.
 */
async function enqueueOrRemove(
  { world, ledger }: CreateExportDeps,
  entry: NewEntry & { readonly ledgerId: string },
  moves: readonly CategoryMoves[],
  claims: { readonly slotId: string | undefined; readonly stagedNo: number | undefined },
): Promise<Entry> {
  try {
    return ledger.queue.enqueue(entry, moves, claims);
  } catch (error) {
    ledger.facts.skipSequence(entry.ledgerId, entry.sequence);
    if (ledger.queue.findByFile(entry.exportFile) === undefined) await world.disk.remove(entry.exportFile);
    throw error;
  }
}

/** Returns an unused queue ID and file name. Two exports created within one second get different names. */
async function findFreeNames(
  { ledger, paths, world }: CreateExportDeps,
  nowMs: number,
): Promise<{ readonly queueId: string; readonly file: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const name = toNumberedName(toStamp(nowMs), attempt);
    const file = join(paths.exports, `export_${name}.json`);
    const queueId = `q_${name}`;
    if (ledger.queue.find(queueId) !== undefined || ledger.queue.findByFile(file) !== undefined) continue;
    if ((await world.disk.stat(file)) !== undefined) continue;
    if ((await world.disk.stat(toFailedFile(paths, queueId))) !== undefined) continue;
    return { queueId, file };
  }
}
