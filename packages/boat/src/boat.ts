import { join } from 'node:path';
import type { Hono } from 'hono';
import { type BundleKey, openBundleKey } from './bundle/bundle-key.ts';
import { createBundler } from './bundle/bundler.ts';
import type { SourcePaths } from './collect/collector.ts';
import { collectGarbageWhenIdle } from './collect-garbage-when-idle.ts';
import { createCollectors } from './collect/collectors.ts';
import { readTimeZoneFile } from './collect/time-zone-file.ts';
import type { Config } from './config.ts';
import { toCredentialsPaths } from './deliver/credentials.ts';
import type { DeliveryEvent } from './deliver/delivery-event.ts';
import { createWorker, type Worker } from './deliver/worker.ts';
import { examine, repair } from './doctor/doctor.ts';
import { createEnrolling } from './enroll/enrolment.ts';
import { createExportManager } from './create-export-manager.ts';
import { createEventBus, createEvents, type EventBus, type Events, toManagerEvent } from './events.ts';
import type { ExportManager, ExportManagerDeps } from './export-manager.ts';
import { createApp } from './http/app.ts';
import type { Ledger } from './ledger/ledger.ts';
import { createLicense, type License } from './license/license.ts';
import { createMeasurements, type Measurements } from './measurements.ts';
import { createNotifier, type Notifier } from './notify/notifier.ts';
import { isClockSynchronized } from './platform/clock-synchronized.ts';
import { isExportError } from './platform/errors.ts';
import { readFileMode } from './platform/file-mode.ts';
import { PAGE_FOLDER } from './platform/page-folder.ts';
import { toStorageWarning } from './platform/policy/storage-medium.ts';
import type { WallMs, World } from './platform/ports.ts';
import { SOFTWARE_VERSION } from './platform/software-version.ts';
import { createSourceDisk, type SourceDisk } from './platform/source-disk.ts';
import { importLegacyQueue } from './recovery/import-legacy-queue.ts';
import { openOrQuarantine } from './recovery/open-or-quarantine.ts';
import { recover } from './recovery/recover.ts';
import { createRetention, type Retention } from './retain/retention.ts';
import { findSlot } from './schedule/policy.ts';
import { SIGNALK_OFF } from './settings.ts';
import { type SpoolPaths, toSpoolPaths } from './spool/spool-paths.ts';
import { createViewWriter, type ViewWriter } from './views/view-writer.ts';

/** A boat's export manager once recovery is complete: its operations, API and background work. */
export interface Boat {
  readonly manager: ExportManager;
  readonly app: Hono;
  readonly ledger: Ledger;
  /** Events from the delivery worker. */
  readonly delivery: Pick<EventBus<DeliveryEvent>, 'subscribe'>;
  /**
   * Delivers exports and writes views until the signal aborts. Rejects if only a restart can repair the failure. Calls
   * `progressed` as `Worker.run` does.
   */
  run(progressed?: () => void): Promise<void>;
  /** Closes the ledger. Call this after `run` has ended. */
  close(): void;
}

/** Paths of the boat's sources, as configured. */
export function toSourcePaths(config: Config): SourcePaths {
  return { root: config.root, recordings: config.recordingsPath, proc: '/proc', sys: '/sys', run: '/run' };
}

/** Dependencies shared by a boat's modules. */
interface Parts {
  readonly world: World;
  readonly config: Config;
  readonly paths: SpoolPaths;
  readonly sources: SourcePaths;
  readonly sourceDisk: SourceDisk;
  readonly ledger: Ledger;
  readonly events: Events;
  readonly measurements: Measurements;
  readonly delivery: EventBus<DeliveryEvent>;
  readonly views: ViewWriter;
  readonly license: License;
  readonly retention: Retention;
  /** Must be called after every queue change. Writes the views and emits the event. */
  readonly queueChanged: () => void;
  readonly credentialsPaths: readonly string[];
  readonly bundleKey: BundleKey | undefined;
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean | undefined>;
  readonly signal: AbortSignal;
}

/**
 * Assembles the modules and recovers the ledger and the spool. Once it resolves, everything that a power cut left incomplete is
 * repaired, the JSON views match the ledger, and the API may start to listen.
 */
export async function startBoat(
  platform: World,
  config: Config,
  signal: AbortSignal,
  sources: SourcePaths = toSourcePaths(config),
): Promise<Boat> {
  const measurements = createMeasurements();
  const world = { ...platform, databases: measurements.measureCommits(platform.databases, platform.clock) };
  const paths = toSpoolPaths(config.root);
  const ledger = await openOrQuarantine(world, paths);
  await importLegacyQueue(world, paths, ledger);
  await recover(world, paths, ledger);

  const events = createEvents();
  const views = createViewWriter(world, paths, ledger);
  const queueChanged = (): void => {
    views.changed();
    events.emit({ kind: 'queue', counts: ledger.queue.counts() });
  };
  const parts: Parts = {
    world,
    config,
    paths,
    sources,
    sourceDisk: createSourceDisk(world.disk, world.clock),
    ledger,
    events,
    measurements,
    delivery: createEventBus(),
    views,
    license: createLicense(world, {
      licensePath: join(config.root, 'config', 'license.json'),
      tierApiUrl: config.tierApiUrl,
    }),
    retention: createRetention(world, paths, ledger, config.reserveBytes, queueChanged),
    queueChanged,
    credentialsPaths: toCredentialsPaths(config.root),
    bundleKey: await openBundleKey(world, paths.bundleKey),
    clockSynchronized: (until) => isClockSynchronized(world, sources.run, until),
    signal,
  };
  await freeReserve(parts);
  await warnOfStorage(parts);
  const worker = startWorker(parts);
  const enrolling = createEnrolling({
    ...parts,
    centralUrl: config.centralUrl,
    bundlePublicKey: parts.bundleKey?.publicKey,
    stored: worker.wake,
  });
  const notifier = startNotifier(parts);
  const manager = createExportManager({ ...parts, ...toManagerParts(parts), enrolling, worker, notifier });
  const app = createApp({
    ...parts,
    manager,
    port: config.port,
    allowedOrigins: config.allowedOrigins,
    pageFolder: PAGE_FOLDER,
  });
  views.changed();
  const { delivery } = parts;
  return {
    manager,
    app,
    ledger,
    delivery,
    run: (progressed) => run(parts, worker, notifier, progressed),
    close: () => ledger.close(),
  };
}

/** Removes delivered files to restore the reserve. If that is not enough, startup continues, but later exports are refused. */
async function freeReserve({ retention, world }: Parts): Promise<void> {
  try {
    await retention.ensureReserve();
  } catch (error) {
    if (!isExportError(error)) throw error;
    world.log.write('warn', `The disk reserve could not be restored: ${error.message}`, { hint: error.hint });
  }
}

/** Warns at each start if the exports are stored where they do not survive a power-off. */
async function warnOfStorage({ world, paths }: Parts): Promise<void> {
  const medium = await world.storageMedium?.(paths.home);
  const warning = medium === undefined ? undefined : toStorageWarning(medium);
  if (warning !== undefined)
    world.log.write('warn', `Exports may be lost when the boat is switched off: ${warning.message}`, {
      hint: warning.hint,
    });
}

function startNotifier(parts: Parts): Notifier | undefined {
  const { notifyAfterDays, signalkUrl, webhookUrl } = parts.config;
  return createNotifier({
    ...parts,
    afterDays: notifyAfterDays,
    signalkUrl: signalkUrl === SIGNALK_OFF ? undefined : signalkUrl,
    webhookUrl,
    accessPath: parts.paths.signalkAccess,
  });
}

function startWorker(parts: Parts): Worker {
  const { config, events, delivery } = parts;
  delivery.subscribe((event) => {
    parts.measurements.recordDelivery(event);
    if (event.kind === 'queue_changed') parts.queueChanged();
    const shown = toManagerEvent(event);
    if (shown !== undefined) events.emit(shown);
  });
  return createWorker({
    ...parts,
    bundlePublicKey: parts.bundleKey?.publicKey,
    centralUrl: config.centralUrl,
    partSizeBytes: config.partSizeBytes,
    dataBudget: {
      meteredSizeMaxBytes: config.meteredSizeMaxBytes,
      monthlyBytesMax: config.monthlyBudgetBytes,
    },
    bytesPerSecondMax: config.rateLimitBytesPerSecond,
    clockSynchronized: async (until) => (await parts.clockSynchronized(until)) === true,
    report: delivery.emit,
  });
}

/** Dependencies needed only by the export manager. */
function toManagerParts(
  parts: Parts,
): Pick<ExportManagerDeps, 'bundler' | 'doctor' | 'collectors' | 'timeZone' | 'findSlot'> {
  const { world, config, ledger } = parts;
  const timeZone = async (): Promise<string> =>
    config.timeZone ?? (await readTimeZoneFile(world.disk, config.root));
  return {
    bundler: createBundler({
      ...parts,
      partSizeBytes: config.partSizeBytes,
      softwareVersion: SOFTWARE_VERSION,
    }),
    doctor: (mode) =>
      (mode === 'repair' ? repair : examine)({
        ...parts,
        presence: 'beside_daemon',
        centralUrl: config.centralUrl,
        reserveBytes: config.reserveBytes,
        fileMode: readFileMode,
      }),
    collectors: createCollectors(),
    timeZone,
    findSlot: async (wallMs: WallMs) =>
      findSlot({
        wallMs,
        clockSynchronized: await parts.clockSynchronized(parts.signal),
        timeZone: await timeZone(),
        hour: config.dailyHour,
        claimed: ledger.slots.claimed(),
      }),
  };
}

async function run(
  { world, events, views, retention, signal }: Parts,
  worker: Worker,
  notifier: Notifier | undefined,
  progressed: (() => void) | undefined,
): Promise<void> {
  const unsubscribe = events.subscribe(({ kind }) => {
    if (kind === 'queue') notifier?.wake();
  });
  try {
    await Promise.race([
      worker.run(signal, progressed),
      views.run(signal),
      retention.run(signal),
      ...(notifier === undefined ? [] : [notifier.run(signal)]),
      ...(world.collectGarbage === undefined
        ? []
        : [collectGarbageWhenIdle(events, world.clock, world.collectGarbage, signal)]),
    ]);
  } finally {
    unsubscribe?.();
    // Other programs read the views while the export manager is stopped, so the views must be up to date when it stops.
    await views.flush();
  }
}
