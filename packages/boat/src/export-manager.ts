import { basename, join } from 'node:path';
import type { Category, Tier } from '@d3kos/protocol';
import { toBoatlogCsv } from './boatlog-csv.ts';
import { BROWSER_DOCUMENT_LENGTH_MAX, BROWSER_KEYS, parseBrowserDocuments } from './collect/browser-data.ts';
import type { Bundler } from './bundle/bundler.ts';
import type { Collector, SourcePaths } from './collect/collector.ts';
import type { Config } from './config.ts';
import { type CreateResult, createExport } from './create-export/create-export.ts';
import type { CreateExportDeps } from './create-export/export-request.ts';
import { previewExport } from './create-export/preview-export.ts';
import { hasUsageConsent, setUsageConsent } from './create-export/usage-consent.ts';
import type { SendHold } from './deliver/policy/data-budget.ts';
import type { Destination } from './deliver/policy/destination-state.ts';
import type { Worker } from './deliver/worker.ts';
import type { DoctorReport } from './doctor/doctor.ts';
import type { Events } from './events.ts';
import type {
  CategoryCount,
  Entry,
  ExportTrigger,
  ExportType,
  HistoryRow,
  QueueCounts,
} from './ledger/entry.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { License } from './license/license.ts';
import { type LicenseResult, mayExport } from './license/policy.ts';
import { isClockSynchronized } from './platform/clock-synchronized.ts';
import { ExportError } from './platform/errors.ts';
import { createMutex } from './platform/mutex.ts';
import type { WallMs, World } from './platform/ports.ts';
import type { CleanupReport, Retention } from './retain/retention.ts';
import { owedSlot } from './schedule/policy.ts';
import { isExportFileName, type SpoolPaths } from './spool/spool-paths.ts';
import type { ViewWriter } from './views/view-writer.ts';

/** Most exports that may be asked for and not yet made: pressing the button again and again ends in a clear refusal. */
const EXPORTS_AHEAD_MAX = 32;
/** Most previews asked for at once: each reads every source. */
const PREVIEWS_AHEAD_MAX = 2;
/** Most examinations asked for at once: each reads every file that waits, and exports wait for it. */
const EXAMINATIONS_AHEAD_MAX = 2;
/** Records shown per category in a preview. */
const PREVIEW_SAMPLES_MAX = 3;

/** An export file on the card. */
export interface ExportFileFacts {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: WallMs;
  readonly queueId: string | undefined;
  readonly status: Entry['status'] | undefined;
}

/** How the boat stands, for every face. Unknown is undefined, never a guess. */
export interface Status {
  readonly tier: Tier | undefined;
  readonly canExport: boolean;
  readonly license: LicenseResult;
  readonly counts: QueueCounts;
  readonly waitingBytes: number;
  readonly destination: Destination;
  /** Why a due export waits for another connection or the next month, and the bytes sent this month. */
  readonly dataBudget: {
    /** Undefined if no due export waits. */
    readonly hold: SendHold | undefined;
    readonly monthBytes: number;
    readonly monthBytesMax: number | undefined;
  };
  readonly lastExport: Entry | undefined;
  readonly lastDelivery: HistoryRow | undefined;
  readonly schedule: {
    readonly dailyHour: number;
    readonly timeZone: string;
    readonly owedSlot: string | undefined;
  };
  readonly storage: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly exportsBytes: number;
  };
  readonly categories: Readonly<Partial<Record<Category, CategoryCount>>>;
}

export type ScheduledResult =
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'already_claimed'; readonly slotId: string | undefined }
  | (CreateResult & { readonly slotId: string });

/** The verbs of the export manager, which every face calls. Failures of the world throw ExportError. */
export interface ExportManager {
  /** Makes an export and queues it; resolves after the commit that makes it safe. Refusals throw (TIER_TOO_LOW, LICENSE_…, DISK_RESERVE, …). */
  createExport(type: ExportType, trigger: ExportTrigger): Promise<CreateResult>;
  /** The daily export: claims the slot that is owed now, at most one a day, and makes an incremental export for it. */
  createScheduledExport(): Promise<ScheduledResult>;
  preview(type: ExportType): ReturnType<typeof previewExport>;
  status(): Promise<Status>;
  queue(): Readonly<Record<Entry['status'], readonly Entry[]>>;
  counts(): QueueCounts;
  nextPending(): Entry | undefined;
  history(limit: number): readonly HistoryRow[];
  losses(): ReturnType<Ledger['queue']['losses']>;
  /** A failed entry waits again, with all its attempts. Throws ENTRY_NOT_FOUND, ENTRY_STATE. */
  retry(queueId: string): Entry;
  /** Stops trying: the entry is failed, its file kept, its records due in the next export. Throws ENTRY_NOT_FOUND, ENTRY_STATE. */
  cancel(queueId: string): Promise<Entry>;
  /** Looks at the queue now: probes central and sends what waits, whatever the wait was. Gives how many wait. */
  process(): number;
  /** Removes delivered files (older than `completedKeptMs`, 30 days by default) and failed ones whose records were delivered. */
  cleanup(completedKeptMs?: number): Promise<CleanupReport>;
  /** Keeps what a kiosk page handed over from localStorage; gives how many keys changed. Throws REQUEST_INVALID. */
  keepBrowserDocuments(documents: unknown): number;
  /** Whether usage analytics may go with the telemetry; off until the owner says so. */
  usageConsent(): 'yes' | 'no';
  setUsageConsent(answer: 'yes' | 'no'): void;
  /** The whole boatlog as CSV, read from its source now, in pieces of some hundred lines. */
  boatlogCsv(): AsyncGenerator<string, void, void>;
  files(): Promise<readonly ExportFileFacts[]>;
  /** Gives what waits to whoever carries it to central on a stick; see `Bundler.bundle`. */
  bundle: Bundler['bundle'];
  /** Compares ledger and spool while no export is made; `repair` mends what is safe to mend and says what. Throws BUSY. */
  doctor(mode: DoctorMode): Promise<DoctorReport>;
  /** A finished export file's path. Throws NOT_FOUND for every other name. */
  filePath(name: string): Promise<{ readonly path: string; readonly sizeBytes: number }>;
}

/** Only looking, or mending as well. */
export type DoctorMode = 'examine' | 'repair';

export interface ExportManagerDeps {
  readonly world: World;
  readonly config: Config;
  readonly ledger: Ledger;
  readonly license: License;
  readonly retention: Retention;
  readonly worker: Worker;
  readonly views: ViewWriter;
  readonly bundler: Bundler;
  readonly doctor: (mode: DoctorMode) => Promise<DoctorReport>;
  readonly events: Events;
  readonly collectors: readonly Collector[];
  readonly sources: SourcePaths;
  readonly paths: SpoolPaths;
  /** Ends whatever is under way when the daemon stops. */
  readonly signal: AbortSignal;
  readonly timeZone: () => Promise<string>;
}

export function createExportManager(deps: ExportManagerDeps): ExportManager {
  const { world, config, ledger, license, worker, views, events, paths, signal } = deps;
  const exporting = createMutex();
  /** Previews have a queue of their own: whoever looks must not keep anybody from exporting. */
  const previewing = createMutex();
  const examining = createMutex();
  /** Two cancels of one entry would both move its file. */
  const cancelling = createMutex();
  let lastCategories: Readonly<Partial<Record<Category, CategoryCount>>> = {};

  const makeDeps: CreateExportDeps = {
    world,
    ledger,
    retention: deps.retention,
    collectors: deps.collectors,
    sources: deps.sources,
    paths,
    onProgress: ({ category, count }) => events.emit({ kind: 'collecting', category, count }),
  };
  const changed = (): void => {
    views.changed();
    events.emit({ kind: 'queue', counts: ledger.queue.counts() });
  };
  const mustFind = (queueId: string): Entry => {
    const entry = ledger.queue.find(queueId);
    if (entry !== undefined) return entry;
    throw new ExportError('ENTRY_NOT_FOUND', `The queue has no entry ${queueId}`, {
      op: 'look up a queue entry',
      hint: 'List the entries with `d3kos-export queue list`.',
    });
  };
  const slotOwed = async (wallMs: WallMs): Promise<string | undefined> =>
    owedSlot({
      wallMs,
      clockSynchronized: await isClockSynchronized(world, deps.sources.run, signal),
      timeZone: await deps.timeZone(),
      hour: config.dailyHour,
      claimed: ledger.slots.claimed(),
    });
  const knownLicense = async (trigger: ExportTrigger): Promise<Extract<LicenseResult, { kind: 'known' }>> => {
    const result = await license.current(signal);
    const permission = result.kind === 'known' ? mayExport(result.tier, trigger) : result;
    if (permission.kind === 'refused')
      throw new ExportError(permission.code, permission.message, {
        op: 'check the licence',
        hint: permission.hint,
      });
    if (result.kind === 'refused') throw new Error('a refused licence was permitted');
    return result;
  };
  /** Inside `exporting`: makes the export, and tells everyone. */
  const make = async (
    type: ExportType,
    trigger: ExportTrigger,
    { installationId, tier }: Extract<LicenseResult, { kind: 'known' }>,
    slotId: string | undefined,
  ): Promise<CreateResult> => {
    const result = await createExport(makeDeps, { type, trigger, installationId, tier, slotId }, signal);
    if (result.kind === 'nothing_new') {
      lastCategories = result.categories;
      world.log.write('info', 'Nothing new since the last export; nothing was queued');
      return result;
    }
    lastCategories = result.entry.categories;
    const { entry } = result;
    world.log.write(
      'info',
      `Added to queue: ${entry.queueId} (${entry.fileSizeBytes} bytes, ${entry.categoryCount} categories, ${entry.recordCount} records)`,
    );
    changed();
    worker.wake();
    return result;
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    if (exporting.depth() < EXPORTS_AHEAD_MAX) return exporting.run(work);
    throw new ExportError('BUSY', `${EXPORTS_AHEAD_MAX} exports are already being made`, {
      op: 'make an export',
      hint: 'Wait until they are done; nothing is lost meanwhile.',
    });
  };

  return {
    createExport: async (type, trigger) =>
      inTurn(async () => make(type, trigger, await knownLicense(trigger), undefined)),

    createScheduledExport: async () =>
      inTurn(async () => {
        const known = await license.current(signal);
        const permission = known.kind === 'known' ? mayExport(known.tier, 'scheduled') : known;
        if (permission.kind === 'refused') {
          if (permission.code !== 'TIER_TOO_LOW')
            throw new ExportError(permission.code, permission.message, {
              op: 'make the daily export',
              hint: permission.hint,
            });
          world.log.write('info', `Scheduled export skipped: ${permission.message}`);
          return { kind: 'skipped', reason: permission.message };
        }
        if (known.kind === 'refused') throw new Error('a refused licence was permitted');
        const slotId = await slotOwed(world.clock.wall());
        if (slotId === undefined) return { kind: 'already_claimed', slotId };
        // An export claims its slot with its own commit; power lost before that leaves the slot owed.
        const result = await make('incremental', 'scheduled', known, slotId);
        if (result.kind === 'nothing_new') ledger.slots.claim(slotId, world.clock.wall());
        return { ...result, slotId };
      }),

    preview: async (type) => {
      if (previewing.depth() >= PREVIEWS_AHEAD_MAX)
        throw new ExportError('BUSY', 'Other previews are already being made', {
          op: 'make a preview',
          hint: 'Wait until they are done.',
        });
      return previewing.run(async () => {
        const { installationId } = await knownLicense('manual');
        return previewExport(makeDeps, { type, installationId }, signal, PREVIEW_SAMPLES_MAX);
      });
    },

    async status() {
      const known = await license.current(signal);
      const tier = known.tier;
      const space = await world.disk.space(config.root);
      const files = (await world.disk.list(paths.exports)) ?? [];
      const newest = ledger.queue.newest();
      const timeZone = await deps.timeZone();
      return {
        tier,
        canExport: known.kind === 'known' && mayExport(known.tier, 'manual').kind === 'allowed',
        license: known,
        counts: ledger.queue.counts(),
        waitingBytes: ledger.queue.waitingBytes(),
        destination: worker.destination(),
        dataBudget: {
          hold: worker.sendHold(),
          monthBytes: ledger.queue.monthBytes(world.clock.wall()),
          monthBytesMax: config.monthlyBudgetBytes,
        },
        lastExport: newest,
        lastDelivery: ledger.queue.history(1)[0],
        schedule: {
          dailyHour: config.dailyHour,
          timeZone,
          owedSlot: await slotOwed(world.clock.wall()),
        },
        storage: { ...space, exportsBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) },
        categories: Object.keys(lastCategories).length > 0 ? lastCategories : (newest?.categories ?? {}),
      };
    },

    queue: () => ({
      pending: ledger.queue.list('pending'),
      uploading: ledger.queue.list('uploading'),
      completed: ledger.queue.list('completed'),
      failed: ledger.queue.list('failed'),
    }),
    counts: () => ledger.queue.counts(),
    nextPending: () => ledger.queue.list('pending', 1)[0],
    history: (limit) => ledger.queue.history(limit),
    losses: () => ledger.queue.losses(),

    retry(queueId) {
      const entry = mustFind(queueId);
      if (entry.status !== 'failed') throw wrongState(entry, 'Only a failed entry can be retried');
      if (deps.retention.isRemoving(entry.entryNo))
        throw wrongState(entry, 'An entry that is being removed cannot be retried');
      const requeued = ledger.queue.requeue(entry.entryNo, world.clock.wall());
      changed();
      worker.wake();
      return requeued;
    },

    cancel: (queueId) =>
      cancelling.run(async () => {
        mustFind(queueId);
        await worker.release(queueId);
        const entry = mustFind(queueId);
        if (entry.status !== 'pending') throw wrongState(entry, 'Only a waiting entry can be cancelled');
        const cancelled = await worker.deadLetter(
          entry,
          'Cancelled by the owner; its records go with the next export',
        );
        changed();
        return cancelled;
      }),

    process() {
      worker.wake('now');
      const { pending, uploading } = ledger.queue.counts();
      return pending + uploading;
    },

    async cleanup(completedKeptMs) {
      const report = await deps.retention.cleanup(completedKeptMs);
      changed();
      return report;
    },

    keepBrowserDocuments(documents) {
      const parsed = parseBrowserDocuments(documents);
      if (parsed === undefined)
        throw new ExportError(
          'REQUEST_INVALID',
          'These are not texts of localStorage under keys that are known',
          {
            op: 'keep what a page handed over',
            hint: `Known keys: ${BROWSER_KEYS.join(', ')}; each value is a text of at most ${BROWSER_DOCUMENT_LENGTH_MAX} characters.`,
          },
        );
      return ledger.browser.keep(parsed, world.clock.wall());
    },
    usageConsent: () => (hasUsageConsent(ledger) ? 'yes' : 'no'),
    setUsageConsent: (answer) => setUsageConsent(ledger, answer),

    boatlogCsv: () => toBoatlogCsv(makeDeps, signal),

    bundle: (scope) => deps.bundler.bundle(scope),

    doctor: async (mode) => {
      if (examining.depth() >= EXAMINATIONS_AHEAD_MAX)
        throw new ExportError('BUSY', 'The export manager is being examined already', {
          op: 'examine the exports',
          hint: 'Wait until that is done.',
        });
      return examining.run(() =>
        exporting.run(async () => {
          const report = await deps.doctor(mode);
          if (report.repaired.length > 0) {
            changed();
            worker.wake();
          }
          return report;
        }),
      );
    },

    async files() {
      const listed = (await world.disk.list(paths.exports)) ?? [];
      return listed
        .filter((file) => file.kind === 'file' && isExportFileName(file.name))
        .map((file) => {
          const entry = ledger.queue.findByFile(join(paths.exports, file.name));
          return {
            name: file.name,
            sizeBytes: file.sizeBytes,
            modifiedMs: file.modifiedMs,
            queueId: entry?.queueId,
            status: entry?.status,
          };
        });
    },

    async filePath(name) {
      const path = join(paths.exports, basename(name));
      const facts = isExportFileName(name) ? await world.disk.stat(path) : undefined;
      if (facts?.kind === 'file') return { path, sizeBytes: facts.sizeBytes };
      throw new ExportError('NOT_FOUND', `There is no export file ${name}`, {
        op: 'open an export file',
        hint: 'List the files with GET /export/files.',
      });
    },
  };
}

function wrongState(entry: Entry, rule: string): ExportError {
  return new ExportError('ENTRY_STATE', `${rule}; ${entry.queueId} is ${entry.status}`, {
    op: 'change a queue entry',
    hint: 'List the entries with `d3kos-export queue list`.',
  });
}
