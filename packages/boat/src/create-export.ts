import { join } from 'node:path';
import {
  CATEGORIES,
  type Category,
  type DocumentHeader,
  FORMAT_VERSION,
  type Tier,
  WITHDRAWN_SEQUENCES_MAX,
} from '@d3kos/protocol';
import type { CollectContext, CollectOutcome, Collector, SourcePaths } from './collect/collector.ts';
import type { Cursor } from './collect/cursor.ts';
import type {
  CategoryCount,
  CategoryMoves,
  Entry,
  ExportTrigger,
  ExportType,
  NewEntry,
  RecordDigest,
} from './ledger/entry.ts';
import type { Ledger } from './ledger/ledger.ts';
import { toNumberedName, toLegacyTime, toStamp } from './ledger/policy.ts';
import { keepBallast } from './ledger/spare-pages.ts';
import { isClockSynchronized } from './platform/clock-synchronized.ts';
import type { World } from './platform/ports.ts';
import type { Retention } from './retain/retention.ts';
import { createExportWriter, type ExportWriter } from './spool/export-file.ts';
import { type SpoolPaths, toFailedFile } from './spool/spool-paths.ts';

/** After how many written bytes the reserve is looked at again: a huge export must not eat what the boat needs. */
const RESERVE_CHECK_BYTES = 16 * 1024 * 1024;

/**
 * Most digests of a category that wait in memory for the export's commit: more are written ahead of it. A transaction of
 * as many takes some 4 ms on the machine of the benches, and 250 alerts that change between two exports are rare: nearly
 * every export is one commit.
 */
export const DIGESTS_KEPT_MAX = 250;

export const SOFTWARE_VERSION = '0.1.0';

export interface ExportRequest {
  readonly type: ExportType;
  readonly trigger: ExportTrigger;
  readonly installationId: string;
  readonly tier: Tier;
  /** The daily slot this export is for; claimed with its commit. */
  readonly slotId: string | undefined;
}

/** How making an export ended. `nothing_new`: an incremental export found no news, and nothing was queued. */
export type CreateResult =
  | { readonly kind: 'queued'; readonly entry: Entry }
  | { readonly kind: 'nothing_new'; readonly categories: Readonly<Partial<Record<Category, CategoryCount>>> };

export interface CreateExportDeps {
  readonly world: World;
  readonly ledger: Ledger;
  readonly retention: Retention;
  readonly collectors: readonly Collector[];
  readonly sources: SourcePaths;
  readonly paths: SpoolPaths;
  /** Most digests of a category that wait in memory for the commit; `DIGESTS_KEPT_MAX` on a boat. */
  readonly digestsKeptMax: number;
  readonly onProgress: (progress: { readonly category: Category; readonly count: number }) => void;
}

/**
 * Makes one export: collects the nine categories into a file, makes the file durable, then enqueues it and moves the
 * cursors in one transaction. When it resolves with `queued` the export survives a power cut; before that transaction
 * nothing has happened but a file without an entry, which the next start adopts. One call at a time (the manager sees to it).
 * Throws DISK_RESERVE, DISK_FULL, DISK_READ_ONLY, DISK_FAILED, LEDGER_FAILED; then nothing has changed.
 */
export async function createExport(
  deps: CreateExportDeps,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<CreateResult> {
  const { world, ledger, paths } = deps;
  await deps.retention.ensureReserve();
  ledger.ensureSparePages();
  await keepBallast(world.disk, paths.ballast);
  // Digests that an export left which came to nothing, and those that were given back.
  while (ledger.progress.digests.purge()) {
    signal.throwIfAborted();
    await world.clock.yield();
  }
  const nowMs = world.clock.wall();
  const names = await freeNames(deps, nowMs);
  const header: DocumentHeader = {
    installation_id: request.installationId,
    export_timestamp: toLegacyTime(nowMs),
    format_version: FORMAT_VERSION,
    export_id: `exp_${world.random.hex(16)}`,
    export_type: request.type,
    tier: request.tier,
    trigger: request.trigger,
    sequence: ledger.facts.nextSequence(),
    ledger_id: ledger.facts.ledgerId,
    software_version: SOFTWARE_VERSION,
    clock: await readBoatClock(world, deps.sources, signal),
    ...withdrawnBy(ledger),
  };
  const writer = await createExportWriter(world.disk, names.file, header);
  try {
    const collected = await collectAll(deps, request, writer, signal);
    if (request.type === 'incremental' && !collected.isNews) {
      await writer.discard();
      return { kind: 'nothing_new', categories: collected.categories };
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
        categoryCount: CATEGORIES.length,
        recordCount: collected.recordCount,
        categories: collected.categories,
        fileSizeBytes,
        createdAtMs: nowMs,
      },
      collected.moves,
      { slotId: request.slotId, stagedNo: collected.stagedNo },
    );
    return { kind: 'queued', entry };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** The exports that were given up so far, by the sequences this ledger gave them: their ranges came back before this one is made. */
function withdrawnBy({ queue }: Ledger): Pick<DocumentHeader, 'withdrawn_sequences'> {
  const sequences = queue.list('failed', WITHDRAWN_SEQUENCES_MAX).map(({ sequence }) => sequence);
  // 0: another ledger counted it.
  const own = sequences.filter((sequence) => sequence > 0);
  return own.length === 0 ? {} : { withdrawn_sequences: own };
}

/**
 * Enqueues the export; where that fails and the ledger knows nothing of it, its file goes: left behind it would be adopted
 * later, behind newer exports. Where the ledger cannot even be asked the file stays, and its sequence is never used again.
 */
async function enqueueOrRemove(
  { world, ledger }: CreateExportDeps,
  entry: NewEntry,
  moves: readonly CategoryMoves[],
  claims: { readonly slotId: string | undefined; readonly stagedNo: number | undefined },
): Promise<Entry> {
  try {
    return ledger.queue.enqueue(entry, moves, claims);
  } catch (error) {
    ledger.facts.skipSequence(entry.sequence);
    if (ledger.queue.findByExportId(entry.exportId) === undefined) await world.disk.remove(entry.exportFile);
    throw error;
  }
}

interface Collected {
  readonly categories: Readonly<Partial<Record<Category, CategoryCount>>>;
  readonly moves: readonly CategoryMoves[];
  readonly recordCount: number;
  readonly isNews: boolean;
  /** The entry that digests were written ahead for; undefined where none were. */
  readonly stagedNo: number | undefined;
}

async function collectAll(
  deps: CreateExportDeps,
  request: Pick<ExportRequest, 'type' | 'installationId'>,
  writer: ExportWriter,
  signal: AbortSignal,
): Promise<Collected> {
  const categories: Partial<Record<Category, CategoryCount>> = {};
  const moves: CategoryMoves[] = [];
  let recordCount = 0;
  let isNews = false;
  let checkedAtBytes = 0;
  let stagedNo: number | undefined;
  for (const collector of deps.collectors) {
    const { category } = collector;
    await writer.open(category);
    let count = 0;
    const found = new Map<string, Cursor | undefined>();
    let digests: RecordDigest[] = [];
    const context = toCollectContext(deps, request, category, signal);
    // Whatever ends this early, the collector lets go of its source.
    await using pages = collector.collect({
      ...context,
      cursorOf: (source) => {
        const cursor = context.cursorOf(source);
        found.set(source, cursor);
        return cursor;
      },
      keepDigest: (recordId, digest) => {
        digests.push({ recordId, digest });
      },
    });
    // The next page is made while the last one is on its way to the disk.
    let writing: Promise<void> = Promise.resolve();
    let step = await pages.next();
    while (step.done !== true) {
      signal.throwIfAborted();
      await writing;
      const page = step.value;
      writing = writer.page(page);
      // Its failure is met at the next wait for it; until then nobody else listens.
      writing.catch(() => undefined);
      count += page.count;
      deps.onProgress({ category, count });
      if (writer.sizeBytes() - checkedAtBytes >= RESERVE_CHECK_BYTES) {
        checkedAtBytes = writer.sizeBytes();
        await deps.retention.ensureReserve();
      }
      if (digests.length > deps.digestsKeptMax) {
        stagedNo = deps.ledger.queue.stageDigests(stagedNo, category, digests);
        digests = [];
        await deps.world.clock.yield();
      }
      step = await pages.next();
    }
    await writing;
    const outcome: CollectOutcome = step.value;
    await writer.close(outcome);
    categories[category] = {
      state: outcome.state,
      count,
      ...(outcome.detail === undefined ? {} : { detail: outcome.detail }),
    };
    moves.push({ category, cursors: outcome.cursors, digests, found });
    recordCount += count;
    if (collector.isNews && count > 0) isNews = true;
  }
  return { categories, moves, recordCount, isNews, stagedNo };
}

/** What a collector may touch for one collection of its category, of which nothing is kept. */
export function toCollectContext(
  deps: CreateExportDeps,
  request: Pick<ExportRequest, 'type' | 'installationId'>,
  category: Category,
  signal: AbortSignal,
): CollectContext {
  const { progress } = deps.ledger;
  return {
    paths: deps.sources,
    disk: deps.world.disk,
    databases: deps.world.databases,
    clock: deps.world.clock,
    installationId: request.installationId,
    mode: request.type,
    cursorOf: (source) => progress.cursorOf(category, source),
    digestOf: (recordId) => progress.digestOf(category, recordId),
    keepDigest: () => undefined,
    signal,
    browserDocument: (key) => deps.ledger.browser.get(key),
    usageConsent: hasUsageConsent(deps.ledger),
  };
}

/** What a category would give now: nothing is written, no cursor moves. */
export async function previewExport(
  deps: CreateExportDeps,
  request: Pick<ExportRequest, 'type' | 'installationId'>,
  signal: AbortSignal,
  samplesMax: number,
): Promise<
  Readonly<
    Partial<
      Record<Category, CategoryCount & { readonly sizeBytes: number; readonly samples: readonly unknown[] }>
    >
  >
> {
  const previews: Partial<
    Record<Category, CategoryCount & { sizeBytes: number; samples: readonly unknown[] }>
  > = {};
  for (const collector of deps.collectors) {
    const { category } = collector;
    const samples: unknown[] = [];
    let count = 0;
    let sizeBytes = 0;
    await using pages = collector.collect(toCollectContext(deps, request, category, signal));
    let step = await pages.next();
    while (step.done !== true) {
      signal.throwIfAborted();
      count += step.value.count;
      sizeBytes += step.value.bytes?.byteLength ?? Buffer.byteLength(step.value.lines);
      if (samples.length < samplesMax)
        for (const line of step.value.lines.split(',\n', samplesMax - samples.length))
          samples.push(JSON.parse(line));
      step = await pages.next();
    }
    const { state, detail } = step.value;
    previews[category] = { state, count, sizeBytes, samples, ...(detail === undefined ? {} : { detail }) };
  }
  return previews;
}

/** A queue id and a file name no entry and no file has: two exports in one second are two. */
async function freeNames(
  deps: CreateExportDeps,
  nowMs: number,
): Promise<{ readonly queueId: string; readonly file: string }> {
  const { ledger, paths, world } = deps;
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

/** The boot id tells which exports were made in one run. */
async function readBoatClock(
  world: World,
  sources: SourcePaths,
  signal: AbortSignal,
): Promise<DocumentHeader['clock']> {
  const bootId = await world.disk.read(join(sources.proc, 'sys/kernel/random/boot_id'), 256);
  return {
    synchronized: (await isClockSynchronized(world, sources.run, signal)) === true,
    boot_id: bootId === undefined ? 'unknown' : Buffer.from(bootId).toString('latin1').trim().slice(0, 64),
  };
}

const USAGE_CONSENT = 'usage_consent';

/** Whether the owner lets usage analytics go; off until the owner says so (docs/spec/sources.md, "9 telemetry"). */
export function hasUsageConsent(ledger: Ledger): boolean {
  return ledger.facts.get(USAGE_CONSENT) === 'yes';
}

/** Writes the owner's answer down, durably. */
export function setUsageConsent(ledger: Ledger, isGiven: 'yes' | 'no'): void {
  ledger.facts.record(USAGE_CONSENT, isGiven);
}
