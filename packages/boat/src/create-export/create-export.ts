import { join } from 'node:path';
import {
  CATEGORIES,
  type Category,
  type DocumentHeader,
  FORMAT_VERSION,
  FORMER_LEDGERS_MAX,
  OPEN_EXPORTS_MAX,
  REINSTATED_SEQUENCES_MAX,
  WITHDRAWN_SEQUENCES_MAX,
} from '@d3kos/protocol';
import type { SourcePaths } from '../collect/collector.ts';
import type { CategoryCount, CategoryMoves, Entry, NewEntry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toNumberedName, toLegacyTime, toStamp } from '../ledger/policy.ts';
import { keepBallast } from '../ledger/spare-pages.ts';
import { isClockSynchronized } from '../platform/clock-synchronized.ts';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import { createExportWriter } from '../spool/export-file.ts';
import { toFailedFile } from '../spool/spool-paths.ts';
import { collectCategories } from './collect-categories.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';
import { findUnread, type UnreadCategory } from './policy.ts';

/**
 * The result of an export. `nothing_new` means that an incremental export read every category, found nothing new and queued
 * nothing. `unread` means that it queued nothing either, but could not read every category.
 */
export type CreateResult =
  | { readonly kind: 'queued'; readonly entry: Entry; readonly unread: readonly UnreadCategory[] }
  | { readonly kind: 'nothing_new'; readonly categories: Categories }
  | { readonly kind: 'unread'; readonly categories: Categories; readonly unread: readonly UnreadCategory[] };

type Categories = Readonly<Partial<Record<Category, CategoryCount>>>;

/**
 * Makes one export: collects the nine categories into a file, makes the file durable, then enqueues it and moves the
 * cursors in one transaction. An export that resolves as `queued` survives a power cut. A power cut before that transaction
 * leaves at most a file without an entry, which the next start adopts. The manager makes one export at a time. Throws
 * DISK_RESERVE, DISK_FULL, DISK_READ_ONLY, DISK_FAILED and LEDGER_FAILED. After such an error, nothing has changed.
 */
export async function createExport(
  deps: CreateExportDeps,
  requested: ExportRequest,
  signal: AbortSignal,
): Promise<CreateResult> {
  const { world } = deps;
  await prepare(deps, signal);
  // docs/spec/protocol.md R74: "After 409 `LEDGER_DIVERGED` a boat MUST begin a new ledger, give its waiting and failed exports new
  // sequences and keys in it, and make its next export a full export."
  const request = deps.ledger.changes.isFullDue() ? { ...requested, type: 'full' as const } : requested;
  const nowMs = world.clock.wall();
  const names = await findFreeNames(deps, nowMs);
  const header = await toHeader(deps, request, toLegacyTime(nowMs), signal);
  const writer = await createExportWriter(world.disk, names.file, header);
  try {
    const collected = await collectCategories(deps, request, writer, signal);
    const unread = findUnread(collected.categories);
    if (request.type === 'incremental' && !collected.isNews) {
      await writer.discard();
      const { categories } = collected;
      return unread.length === 0
        ? { kind: 'nothing_new', categories }
        : { kind: 'unread', categories, unread };
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
      // The slot of an incomplete export stays due, so that the missing categories are tried again.
      { slotId: unread.length === 0 ? request.slotId : undefined, stagedNo: collected.stagedNo },
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

async function toHeader(
  deps: CreateExportDeps,
  request: ExportRequest,
  timestamp: string,
  signal: AbortSignal,
): Promise<DocumentHeader> {
  const { world, ledger } = deps;
  return {
    installation_id: request.installationId,
    export_timestamp: timestamp,
    format_version: FORMAT_VERSION,
    export_id: `exp_${world.random.hex(16)}`,
    export_type: request.type,
    tier: request.tier,
    trigger: request.trigger,
    sequence: ledger.facts.nextSequence(),
    ledger_id: ledger.facts.ledgerId,
    software_version: SOFTWARE_VERSION,
    clock: await readBoatClock(deps, signal),
    ...toWithdrawn(ledger),
    ...toReinstated(ledger),
    ...toOpenExports(ledger),
    ...toFormerLedgers(ledger),
  };
}

/**
 * Maximum number of sequences lost by central that one document withdraws. Half of the list stays free for failed exports.
 * Central names the remaining sequences again.
 */
const LAPSED_WITHDRAWN_MAX = WITHDRAWN_SEQUENCES_MAX / 2;

/**
 * Returns the sequences of this ledger's dead-lettered exports, and those that central has lost and that will never arrive. The
 * ranges of those exports were rewound before this export was started. docs/spec/protocol.md R59: "A boat MUST list the exports of
 * this ledger that have failed or were cancelled in `withdrawn_sequences` of later documents, at most 200."
 */
function toWithdrawn({ queue }: Ledger): Pick<DocumentHeader, 'withdrawn_sequences'> {
  const lapsed = queue.lapsedSequences(LAPSED_WITHDRAWN_MAX);
  const failed = queue
    .list('failed', WITHDRAWN_SEQUENCES_MAX - lapsed.length)
    .map(({ sequence }) => sequence);
  // An adopted export of another ledger has sequence 0.
  const own = [...lapsed, ...failed.filter((sequence) => sequence > 0)];
  return own.length === 0 ? {} : { withdrawn_sequences: own };
}

/**
 * Returns the sequences of this ledger's exports that an earlier document may have withdrawn and that were retried since.
 * docs/spec/protocol.md R111: "A boat MUST list the exports of this ledger that it retried after they had failed or were cancelled in
 * `reinstated_sequences` of later documents, the newest 100."
 */
function toReinstated({ queue }: Ledger): Pick<DocumentHeader, 'reinstated_sequences'> {
  const reinstated = queue.reinstatedSequences(REINSTATED_SEQUENCES_MAX);
  return reinstated.length === 0 ? {} : { reinstated_sequences: [...reinstated] };
}

/**
 * Returns the exports of this ledger that are not delivered. docs/spec/protocol.md R72: "A boat MUST list the newest 100 waiting
 * and failed exports of this ledger in `open_exports` of later documents."
 */
function toOpenExports({ queue }: Ledger): Pick<DocumentHeader, 'open_exports'> {
  const open = queue.openExports(OPEN_EXPORTS_MAX);
  return open.length === 0 ? {} : { open_exports: [...open] };
}

/**
 * Returns the ledgers that this one replaced. docs/spec/protocol.md R104: "A boat MUST list the newest 8 ledgers that its ledger
 * replaced after a divergence, newest first, in `former_ledger_ids` of each document."
 */
function toFormerLedgers({ changes }: Ledger): Pick<DocumentHeader, 'former_ledger_ids'> {
  const former = changes.list(FORMER_LEDGERS_MAX).map(({ oldLedgerId }) => oldLedgerId);
  return former.length === 0 ? {} : { former_ledger_ids: former };
}

/**
 * Returns the state of the clock. Exports with the same boot ID were made without a restart of the boat's computer in
 * between.
 */
async function readBoatClock(
  { world, sources, sourceDisk }: CreateExportDeps,
  signal: AbortSignal,
): Promise<DocumentHeader['clock']> {
  return {
    synchronized: (await isClockSynchronized(world, sources.run, signal)) === true,
    boot_id: (await readBootId(sourceDisk(signal), sources)) ?? 'unknown',
  };
}

/** Returns the kernel's ID of this boot, or undefined if it is unknown. An export does not depend on it. */
async function readBootId(disk: Pick<Disk, 'read'>, { proc }: SourcePaths): Promise<string | undefined> {
  try {
    const bytes = await disk.read(join(proc, 'sys/kernel/random/boot_id'), 256);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1').trim().slice(0, 64);
  } catch (error) {
    if (isExportError(error)) return undefined;
    throw error;
  }
}

/** Returns an unused queue ID and file name. Two exports made within one second get different names. */
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
