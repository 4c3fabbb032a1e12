import { ROOM_BYTES, ROOM_FILES } from '../ledger/spare-pages.ts';
import { isDiskFull } from '../platform/disk-error.ts';
import type { World } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

/**
 * Calls `open`, which opens the ledger. If the card is nearly full, or if `open` throws DISK_FULL or DISK_NO_INODES, calls it with the
 * path of the ballast file, which then becomes the WAL, so that opening takes no block and no inode. Removing the ballast file instead
 * would not help if another program or the file system's reserve for root took its space. `open` may be called twice, so it must
 * close what it has opened before it throws. Throws what the last call throws.
 */
export async function openEvenIfFull<T>(
  { disk, log }: Pick<World, 'disk' | 'log'>,
  paths: SpoolPaths,
  open: (ballast?: string) => T | Promise<T>,
): Promise<T> {
  const { freeBytes, freeInodes = ROOM_FILES } = await disk.space(paths.home);
  const hasBallast = (await disk.stat(paths.ballast)) !== undefined;
  if (!hasBallast || (freeBytes >= ROOM_BYTES && freeInodes >= ROOM_FILES))
    try {
      return await open();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  log.write('warn', 'The card is full; opening the ledger in the space reserved for it');
  return open(paths.ballast);
}
