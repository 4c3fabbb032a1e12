import { closeSync, constants, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toDiskError } from './disk-error.ts';
import { ExportError } from './errors.ts';
import { sqliteCode } from './sqlite.ts';

const SQLITE_BUSY = 5;

/**
 * Locks `path` for this process until the lock is released. The kernel holds SQLite's file lock and also releases it when
 * the process ends for any reason. Throws ALREADY_RUNNING when another process holds the lock: two daemons on one root
 * would both write the ledger. Throws DISK_READ_ONLY, DISK_FULL or DISK_FAILED when the file cannot be created.
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
      hint: 'Stop it first (systemctl stop d3kos-export-manager.service), or use the running one.',
      cause,
    });
  }
  return { release: () => db.close() };
}

/**
 * Creates the file, because SQLite reports every failure to create a file only as "unable to open". The operating system
 * reports the cause.
 */
function makeLockFile(path: string): void {
  try {
    // A symbolic link could lead to a database of another service.
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
