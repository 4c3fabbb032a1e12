import { join } from 'node:path';
import type { Config } from './config.ts';
import { toCredentialsPaths } from './deliver/credentials.ts';
import { type DoctorReport, examine, repair } from './doctor/doctor.ts';
import { examineLedgerFile } from './doctor/examine-ledger.ts';
import type { Ledger } from './ledger/ledger.ts';
import { createLicense } from './license/license.ts';
import { isClockSynchronized } from './platform/clock-synchronized.ts';
import { toSourcePaths } from './boat.ts';
import { holdDaemonLock } from './platform/daemon-lock.ts';
import { ExportError, isExportError } from './platform/errors.ts';
import { readFileMode } from './platform/file-mode.ts';
import type { World } from './platform/ports.ts';
import { createSourceDisk } from './platform/source-disk.ts';
import { openEvenIfFull } from './recovery/open-even-if-full.ts';
import { openSound } from './recovery/open-sound.ts';
import { type SpoolPaths, toSpoolPaths } from './spool/spool-paths.ts';

/**
 * Runs the doctor directly on the files while the export manager is stopped. Holds the daemon's lock, so that no daemon starts in
 * the meantime. Throws ALREADY_RUNNING if a daemon is running but did not answer, NOT_FOUND if the boat has never exported, and
 * ledger and disk errors.
 */
export async function diagnose(
  world: World,
  config: Config,
  mode: 'examine' | 'repair',
  signal: AbortSignal,
): Promise<DoctorReport> {
  const paths = toSpoolPaths(config.root);
  if ((await world.disk.stat(paths.home)) === undefined)
    throw new ExportError('NOT_FOUND', `${paths.home} does not exist: this boat has never exported`, {
      op: 'examine the exports',
      hint: 'Start the export manager once, or set D3KOS_ROOT to the root that it uses.',
    });
  const lock = holdDaemonLock(join(paths.home, 'daemon.lock'));
  let ledger: Ledger | undefined;
  try {
    ledger = await openIfSound(world, paths);
    return await (mode === 'repair' ? repair : examine)({
      world,
      paths,
      ledger,
      presence: 'alone',
      license: createLicense(world, {
        licensePath: join(config.root, 'config', 'license.json'),
        tierApiUrl: config.tierApiUrl,
      }),
      centralUrl: config.centralUrl,
      credentialsPaths: toCredentialsPaths(config.root),
      reserveBytes: config.reserveBytes,
      clockSynchronized: (until) => isClockSynchronized(world, '/run', until),
      fileMode: readFileMode,
      sources: toSourcePaths(config),
      sourceDisk: createSourceDisk(world.disk, world.clock),
      signal,
    });
  } finally {
    ledger?.close();
    lock.release();
  }
}

/**
 * Opens the ledger. Returns undefined if it does not exist, because an examination must not create it, or if it is damaged or cannot be
 * read. The examination reports each case. Throws every other error, because the checks of the ledger would be skipped silently.
 */
async function openIfSound(world: World, paths: SpoolPaths): Promise<Ledger | undefined> {
  if ((await world.disk.stat(paths.ledger)) === undefined) return undefined;
  try {
    const opened = await openEvenIfFull(world, paths, (ballast) => openSound(world, paths, ballast));
    return opened.kind === 'sound' ? opened.ledger : undefined;
  } catch (error) {
    const isReported =
      isExportError(error, 'LEDGER_FAILED') &&
      (await examineLedgerFile(world, paths, undefined)).level !== 'ok';
    if (isReported) return undefined;
    throw error;
  }
}
