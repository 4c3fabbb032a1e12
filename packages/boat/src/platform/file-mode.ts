import { stat } from 'node:fs/promises';
import { isNotFound, systemCode } from './disk-file-system.ts';
import { toDiskError } from './disk-error.ts';
import { ExportError } from './errors.ts';

/**
 * Returns a file's permission bits (0o600), or undefined if the file does not exist. Throws DISK_FAILED if they cannot be read.
 */
export async function readFileMode(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new ExportError('DISK_FAILED', `The permissions of ${path} cannot be read (${code})`, {
      op: `stat ${path}`,
      hint: "Run the command as the export manager's user.",
      cause: error,
    });
  }
}

/**
 * Returns true if the directory belongs to the user of this process or does not exist yet. Throws DISK_FAILED if its owner cannot
 * be read.
 */
export async function isOwnDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).uid === process.geteuid?.();
  } catch (error) {
    if (isNotFound(error)) return true;
    throw toDiskError(error, `stat ${path}`);
  }
}
