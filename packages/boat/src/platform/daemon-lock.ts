import { closeSync, constants, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toDiskError } from './disk-error.ts';
import { ExportError } from './errors.ts';
import { sqliteCode } from './sqlite-code.ts';

const SQLITE_BUSY = 5;

/**
 * Locks `path` for this process until the lock is released. It uses SQLite's file lock, which the kernel releases when the
 * process ends for any reason. Throws ALREADY_RUNNING if another process holds the lock, because two daemons on one root would
 * both write the ledger. Throws DISK_READ_ONLY, DISK_FULL or DISK_FAILED if the file cannot be created.
 */
export function holdDaemonLock(path: string): { release(): void } {
  makeLockFile(path);
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if (((sqliteCode(cause) ?? 0) & 0xff) !== SQLITE_BUSY) throw cause;
    throw new ExportError('ALREADY_RUNNING', 'Another export manager is running on this root', {
      op: `lock ${path}`,
      hint: 'Stop the other one first (systemctl stop d3kos-export-manager.service), or use it.',
      cause,
    });
  }
  return { release: () => db.close() };
}

/**
 * Creates the file directly, because the operating system reports why a file cannot be created, whereas SQLite reports only
 * "unable to open".
 */
function makeLockFile(path: string): void {
  try {
    // A symbolic link could point to another service's database.
    closeSync(
      openSync(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
        0o600,
      ),
    );
  } catch (error) {
    throw toDiskError(error, `make ${path}`);
  }
}
