import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The exclusive lock on a data directory. Only its holder may run PostgreSQL there. */
export interface DataDirectoryLock {
  release(): Promise<void>;
}

/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5;

/**
 * Locks a data directory, or returns undefined while another live process on this machine holds the lock. The lock is SQLite's
 * lock on a file in the directory, so that only accounts that can enter the directory can take it. The kernel releases the lock
 * when the process ends for any reason, so it is never stale. The file remains after the lock is released. Throws the system's
 * error if the file cannot be created, and ELOOP if it is a symbolic link.
 */
export async function lockDataDirectory(directory: string): Promise<DataDirectoryLock | undefined> {
  const path = join(directory, 'central.lock');
  await makeLockFile(path, directory);
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY)
      return undefined;
    throw error;
  }
  return { release: async () => db.close() };
}

/** Creates the file if it is missing, and gives it the directory's owner, which need not be root. */
async function makeLockFile(path: string, directory: string): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(directory);
    await file.chown(uid, gid);
  } finally {
    await file.close();
  }
}
