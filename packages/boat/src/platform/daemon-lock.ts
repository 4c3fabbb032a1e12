import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toDiskError } from './disk.ts';
import { ExportError } from './errors.ts';
import { sqliteCode } from './sqlite.ts';

const SQLITE_BUSY = 5;

/**
 * Holds `path` for this process until released or until the process ends, however it ends: SQLite's file lock is the
 * kernel's. Throws ALREADY_RUNNING where another process holds it: two daemons on one root would both write the ledger.
 * Throws DISK_READ_ONLY, DISK_FULL, DISK_FAILED where the file cannot be made.
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
      hint: 'Stop it first (systemctl stop d3kos-export-manager.service), or use the one that runs.',
      cause,
    });
  }
  return { release: () => db.close() };
}

/** SQLite says of every file it cannot make only that it cannot be opened; the system says why. */
function makeLockFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw toDiskError(error, `make ${path}`);
  }
}
