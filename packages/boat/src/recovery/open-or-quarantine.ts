import { isDiskFull } from '../platform/disk-error.ts';
import type { World } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { openEvenIfFull } from './open-even-if-full.ts';
import { makeSpoolFolders } from './make-spool-folders.ts';
import { openSound } from './open-sound.ts';
import { quarantineFile } from './quarantine-file.ts';
import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { toStamp } from '../ledger/labels.ts';
import { keepBallast } from '../ledger/spare-pages.ts';

/**
 * Creates the spool folders and opens the ledger. A damaged ledger is moved to quarantine, complete and unchanged, and replaced
 * by a new one. The exports on disk are then adopted again, and the cursors start over; central discards the duplicates. Throws
 * any other error, because a ledger that cannot be opened is not necessarily damaged.
 */
export async function openOrQuarantine(world: World, paths: SpoolPaths): Promise<Ledger> {
  await makeSpoolFolders(world, paths);
  return openEvenIfFull(world, paths, async (ballast) => {
    const opened = openSound(world, paths, ballast);
    if (opened.kind === 'sound')
      return ballast === undefined ? reserveSpace(world, paths, opened.ledger) : opened.ledger;
    world.log.write('warn', `The ledger is damaged: ${opened.damage}`);
    await quarantineLedger(world, paths);
    return reserveSpace(
      world,
      paths,
      openLedger(world.databases.openLedger(paths.ledger), () => world.random.hex(8)),
    );
  });
}

/** Reserves space for the ledger, and recreates the ballast file if there is room for it. */
async function reserveSpace(world: World, paths: SpoolPaths, ledger: Ledger): Promise<Ledger> {
  try {
    ledger.allocateSparePages();
  } catch (error) {
    ledger.close();
    throw error;
  }
  try {
    await keepBallast(world.disk, paths.ballast);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
  return ledger;
}

async function quarantineLedger(world: World, paths: SpoolPaths): Promise<void> {
  // The ballast file's space is needed for the new ledger. On a full card, the ballast file may also be the WAL, which is quarantined
  // and must not be overwritten again.
  await world.disk.remove(paths.ballast);
  const stamp = toStamp(world.clock.wall());
  for (const suffix of ['', '-wal', '-shm']) {
    const path = `${paths.ledger}${suffix}`;
    if ((await world.disk.stat(path)) === undefined) continue;
    await quarantineFile(world, paths, path, `the ledger that was found damaged at ${stamp}`);
  }
}
