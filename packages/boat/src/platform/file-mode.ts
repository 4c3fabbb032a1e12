import { stat } from 'node:fs/promises';
import { systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';

/** A file's permission bits (0o600), or undefined where no file is. Throws DISK_FAILED where nobody may look. */
export async function readFileMode(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === undefined) throw error;
    throw new ExportError('DISK_FAILED', `The permissions of ${path} cannot be read (${code})`, {
      op: `stat ${path}`,
      hint: 'Run the command as the user the export manager runs as.',
      cause: error,
    });
  }
}
