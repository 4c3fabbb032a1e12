import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

/**
 * Creates the spool folders, and removes other users' permissions on files that an earlier version left readable. Other services
 * may enter `home`, because the two JSON views in it are public. Only the export manager's own user account can access the ledger
 * and the exports. Throws DISK_FAILED if a path that the export manager opens is a symbolic link, because another program could
 * then choose what the export manager reads and writes. `home` itself may be a link, but the packaged
 * service cannot write outside its data folder.
 */
export async function makeSpoolFolders(
  { disk, log }: Pick<World, 'disk' | 'log'>,
  paths: SpoolPaths,
): Promise<void> {
  await disk.makeDirectory(paths.home, 'everyone');
  const ledgerFiles = ['', '-wal', '-shm'].map((suffix) => `${paths.ledger}${suffix}`);
  for (const path of [
    paths.exports,
    paths.failed,
    paths.damaged,
    paths.ballast,
    paths.bundleKey,
    ...ledgerFiles,
  ]) {
    if ((await disk.stat(path))?.kind !== 'other') continue;
    throw new ExportError('DISK_FAILED', `${path} is not a regular file or folder`, {
      op: `open ${path}`,
      hint: 'Remove the symbolic link or device. To keep exports on another drive, mount the drive at data/exports.',
    });
  }
  for (const folder of [paths.exports, paths.failed]) await disk.makeDirectory(folder);
  for (const path of [paths.exports, paths.failed, paths.damaged, paths.bundleKey, ...ledgerFiles])
    try {
      await disk.restrict(path);
    } catch (error) {
      if (!isExportError(error)) throw error;
      log.write('warn', `Other users can read ${path}: ${error.message}`, { hint: error.hint });
    }
}
