import { randomBytes } from 'node:crypto';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toDiskError } from './disk-error.ts';
import { systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';

/** Mask for a mode's permission bits. */
const PERMISSIONS = 0o777;

/**
 * Atomically and durably replaces a file that belongs to another program. The new file has the same owning account and mode as
 * the old one, so that the other program can still read and write it. After a power cut, either the complete old file or the
 * complete new file exists. Throws ExportError DISK_FULL, DISK_READ_ONLY or DISK_FAILED, leaving the old file unchanged.
 */
export async function replaceShared(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const { mode, uid, gid } = await stat(path);
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.chown(uid, gid);
      await file.chmod(mode & PERMISSIONS);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path));
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw toFailure(error, path);
  }
}

function toFailure(error: unknown, path: string): unknown {
  const op = `replace ${path}`;
  if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')) return toDiskError(error, op);
  return new ExportError('DISK_FAILED', `Not permitted: ${op}`, {
    op,
    hint: 'Run the same command with sudo.',
    cause: error,
  });
}
