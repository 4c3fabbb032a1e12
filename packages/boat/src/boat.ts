import { join } from 'node:path';
import type { Hono } from 'hono';
import { createBundler } from './bundle/bundler.ts';
import type { SourcePaths } from './collect/collector.ts';
import { collectGarbageWhenIdle } from './collect-garbage-when-idle.ts';
import { createCollectors } from './collect/collectors.ts';
import { readTimeZoneFile } from './collect/time-zone-file.ts';
import type { Config } from './config.ts';
import { createWorker } from './deliver/worker.ts';
import { examine, repair } from './doctor/doctor.ts';
import { createEvents } from './events.ts';
import { createExportManager, type ExportManager } from './export-manager.ts';
import { createApp } from './http/app.ts';
import { importLegacyQueue } from './recovery/import-legacy-queue.ts';
import type { Ledger } from './ledger/ledger.ts';
import { openOrQuarantine } from './recovery/open-or-quarantine.ts';
import { recover } from './recovery/recover.ts';
import { createLicense } from './license/license.ts';
import { isClockSynchronized } from './platform/clock-synchronized.ts';
import { isExportError } from './platform/errors.ts';
import { readFileMode } from './platform/file-mode.ts';
import type { World } from './platform/ports.ts';
import { SOFTWARE_VERSION } from './platform/software-version.ts';
import { createRetention } from './retain/retention.ts';
import { toSpoolPaths } from './spool/spool-paths.ts';
import { createViewWriter } from './views/view-writer.ts';

/** A boat's export manager, recovered and ready: its verbs, its API, and the work that goes on by itself. */
export interface Boat {
  readonly manager: ExportManager;
  readonly app: Hono;
  readonly ledger: Ledger;
  /** Delivers and writes views until the signal aborts; rejects for what only a restart can mend. */
  run(): Promise<void>;
  /** After `run` has ended. */
  close(): void;
}

/** Where things are on this boat, by its configuration. */
export function toSourcePaths(config: Config): SourcePaths {
  return { root: config.root, recordings: config.recordingsPath, proc: '/proc', sys: '/sys', run: '/run' };
}

/**
 * Assembles the rooms over a world and brings ledger and spool together. When it resolves the API may listen: whatever
 * a power cut left is mended, and the JSON views say what the ledger says.
 */
export async function startBoat(
  world: World,
  config: Config,
  signal: AbortSignal,
  sources: SourcePaths = toSourcePaths(config),
): Promise<Boat> {
  const paths = toSpoolPaths(config.root);
  const ledger = await openOrQuarantine(world, paths);
  await importLegacyQueue(world, paths, ledger);
  await recover(world, paths, ledger);

  const events = createEvents();
  const views = createViewWriter(world, paths, ledger);
  const license = createLicense(world, {
    licensePath: join(config.root, 'config', 'license.json'),
    tierApiUrl: config.tierApiUrl,
  });
  const queueChanged = (): void => {
    views.changed();
    events.emit({ kind: 'queue', counts: ledger.queue.counts() });
  };
  const retention = createRetention(world, paths, ledger, config.reserveBytes, queueChanged);
  // Delivered files make room for what a start has to write; where that is not enough, exports are refused one by one.
  await retention.ensureReserve().catch((error: unknown) => {
    if (!isExportError(error)) throw error;
    world.log.write('warn', error.message, { hint: error.hint });
  });
  const credentialsPath = join(config.root, 'config', 'export-credentials.json');
  const vouched = (until: AbortSignal): Promise<boolean | undefined> =>
    isClockSynchronized(world, sources.run, until);
  const worker = createWorker({
    world,
    ledger,
    license,
    paths,
    centralUrl: config.centralUrl,
    partSizeBytes: config.partSizeBytes,
    dataBudget: {
      meteredSizeMaxBytes: config.meteredSizeMaxBytes,
      monthlyBytesMax: config.monthlyBudgetBytes,
    },
    bytesPerSecondMax: config.rateLimitBytesPerSecond,
    credentialsPath,
    clockSynchronized: async (until) => (await vouched(until)) === true,
    listener: {
      queueChanged,
      uploading: (progress) => events.emit({ kind: 'uploading', ...progress }),
      delivered: (queueId) => events.emit({ kind: 'delivered', queueId }),
      destinationChanged: ({ state, detail }) => events.emit({ kind: 'destination', state, detail }),
    },
  });
  const manager = createExportManager({
    world,
    config,
    ledger,
    license,
    retention,
    worker,
    views,
    bundler: createBundler({
      world,
      ledger,
      license,
      partSizeBytes: config.partSizeBytes,
      softwareVersion: SOFTWARE_VERSION,
      signal,
    }),
    doctor: (mode) =>
      (mode === 'repair' ? repair : examine)({
        world,
        paths,
        ledger,
        presence: 'beside_daemon',
        license,
        centralUrl: config.centralUrl,
        credentialsPath,
        reserveBytes: config.reserveBytes,
        clockSynchronized: vouched,
        fileMode: readFileMode,
        signal,
      }),
    events,
    collectors: createCollectors(),
    sources,
    paths,
    signal,
    timeZone: async () => config.timeZone ?? (await readTimeZoneFile(world.disk, config.root)),
  });
  const app = createApp({ manager, events, world, port: config.port, allowedOrigins: config.allowedOrigins });
  views.changed();
  return {
    manager,
    app,
    ledger,
    run: async () => {
      try {
        await Promise.race([
          worker.run(signal),
          views.run(signal),
          retention.run(signal),
          ...(world.collectGarbage === undefined
            ? []
            : [collectGarbageWhenIdle(events, world.clock, world.collectGarbage, signal)]),
        ]);
      } finally {
        // What happened last is in the views too, for whoever reads them while the boat is off.
        await views.flush();
      }
    },
    close: () => ledger.close(),
  };
}
