import { join } from 'node:path';
import type { Config } from './config.ts';
import type { Ledger } from './ledger/ledger.ts';
import { holdDaemonLock } from './platform/daemon-lock.ts';
import { ExportError } from './platform/errors.ts';
import type { World } from './platform/ports.ts';
import { importLegacyQueue, reopenLegacyImport } from './recovery/import-legacy-queue.ts';
import { openEvenIfFull } from './recovery/open-even-if-full.ts';
import { openSound } from './recovery/open-sound.ts';
import { recover } from './recovery/recover.ts';
import { type SpoolPaths, toSpoolPaths } from './spool/spool-paths.ts';
import { writeViews } from './views/views.ts';

/** The files that remain on the card when the export manager is rolled back or purged. */
export interface HandOver {
  /** Paths to quarantined files, and to export files whose delivery is not proven. */
  readonly undelivered: readonly string[];
}

/**
 * Hands the queue over to the legacy exporter: writes the queue and the history in the legacy format, and marks them to be
 * imported again at the next start of this program. The export files are already in the legacy exporter's folders, and it sends
 * them without parsing them. The export manager must be stopped; this function holds the daemon's lock. Can be repeated after a
 * power cut at any step. Throws ALREADY_RUNNING, and ledger and disk errors. Changes nothing if the boat has never exported.
 */
export async function handOver(world: World, config: Config): Promise<HandOver> {
  const paths = toSpoolPaths(config.root);
  if ((await world.disk.stat(paths.home)) === undefined) return { undelivered: [] };
  const lock = holdDaemonLock(join(paths.home, 'daemon.lock'));
  try {
    // If this program has never started, the legacy exporter still has its own queue.
    if ((await world.disk.stat(paths.ledger)) === undefined)
      return { undelivered: await listUndelivered(world, paths, undefined) };
    const opened = await openEvenIfFull(world, paths, (ballast) => openSound(world, paths, ballast));
    if (opened.kind === 'damaged')
      throw new ExportError('LEDGER_FAILED', `The ledger is damaged: ${opened.damage}`, {
        op: 'hand over the exports',
        hint: 'Start the export manager once, which quarantines the ledger and adopts the exports on the disk. Then try again.',
      });
    const { ledger } = opened;
    try {
      // First complete any imports and adoptions that a full card postponed, so that the queue contains every export.
      await importLegacyQueue(world, paths, ledger);
      await recover(world, paths, ledger);
      await writeViews(world, paths, ledger, 'both');
      reopenLegacyImport(paths, ledger);
      return { undelivered: await listUndelivered(world, paths, ledger) };
    } finally {
      ledger.close();
    }
  } finally {
    lock.release();
  }
}

/** Lists all export files except those of delivered entries. Without a ledger, no delivery is proven. */
async function listUndelivered(
  { disk }: World,
  paths: SpoolPaths,
  ledger: Ledger | undefined,
): Promise<readonly string[]> {
  const undelivered: string[] = [];
  for (const folder of [paths.exports, paths.failed, paths.damaged])
    for (const { name, kind } of (await disk.list(folder)) ?? []) {
      const path = join(folder, name);
      const isDelivered = ledger?.queue.findByFile(path)?.status === 'completed';
      if (kind === 'file' && !isDelivered && !name.endsWith('.tmp')) undelivered.push(path);
    }
  return undelivered;
}
