import { isDiskFull } from '../platform/disk-error.ts';
import type { World } from '../platform/ports.ts';
import { isDamagedDatabase } from '../platform/sqlite.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { makeSpoolFolders } from './make-spool-folders.ts';
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
  try {
    return await openWithRoom(world, paths);
  } catch (error) {
    if (!isDiskFull(error) || (await world.disk.stat(paths.ballast)) === undefined) throw error;
    world.log.write('warn', 'The card is full; opening the ledger with the space from the ballast file');
    await world.disk.remove(paths.ballast);
    return openWithRoom(world, paths);
  }
}

/** Opens the ledger and reserves space for it. The ballast file is recreated as soon as there is room for it. */
async function openWithRoom(world: World, paths: SpoolPaths): Promise<Ledger> {
  const ledger = await openUndamaged(world, paths);
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

async function openUndamaged(world: World, paths: SpoolPaths): Promise<Ledger> {
  const newLedgerId = (): string => world.random.hex(8);
  try {
    const database = world.databases.openLedger(paths.ledger);
    const check = database.db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (check === 'ok') return openLedger(database, newLedgerId);
    database.close();
    world.log.write('warn', `The ledger is damaged: ${String(check)}`);
  } catch (error) {
    if (!isDamagedDatabase(error)) throw error;
    world.log.write('warn', 'The ledger is damaged and cannot be opened');
  }
  const stamp = toStamp(world.clock.wall());
  for (const suffix of ['', '-wal', '-shm']) {
    const path = `${paths.ledger}${suffix}`;
    if ((await world.disk.stat(path)) === undefined) continue;
    await quarantineFile(world, paths, path, `the ledger that was found damaged at ${stamp}`);
  }
  return openLedger(world.databases.openLedger(paths.ledger), newLedgerId);
}
