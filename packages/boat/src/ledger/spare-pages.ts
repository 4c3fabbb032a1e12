import type { Disk, LedgerDatabase } from '../platform/ports.ts';
import { toLedgerError } from '../platform/sqlite.ts';

/**
 * Space reserved inside the ledger for state changes on a full card: about a thousand history rows, which is enough for a season
 * and negligible on any card.
 */
const SPARE_BYTES = 512 * 1024;
/**
 * Free space that a run needs at its start: for a WAL with the spare pages, the same pages in the database, and the index of the
 * WAL. With less, SQLite could commit the pages and then fail to move them from the WAL to the database.
 */
export const ROOM_BYTES = 3 * SPARE_BYTES;
/** The WAL, its index, and a file that replaces a view. */
export const ROOM_FILES = 3;
/** Minimum free space inside the ledger. Below this, the space is reserved again. */
const SPARE_MIN_BYTES = 256 * 1024;
/** Size of the ballast file. On a full card it becomes the WAL, because a new WAL would need space. */
export const BALLAST_BYTES = 2 * 1024 * 1024;

/**
 * Keeps free pages inside the database, so that deliveries, failures and cleanups can still be recorded when the file cannot grow
 * (docs/spec/delivery.md, "Disk"). Must be called while the card has space. Throws like `transaction`.
 */
export function ensureSparePages(database: LedgerDatabase): void {
  const { db } = database;
  // Both pragmas return one integer.
  const pageSizeBytes = db.prepare('PRAGMA page_size').get()?.['page_size'] as number;
  const freePages = db.prepare('PRAGMA freelist_count').get()?.['freelist_count'] as number;
  if (freePages * pageSizeBytes < SPARE_MIN_BYTES) allocateSparePages(database);
}

/**
 * Reserves the space even if enough pages are free. The pages pass through the WAL, so the WAL file also grows to this size. A
 * run with enough free space calls this function at its start, because a run usually begins with a new WAL. Throws like `transaction`.
 */
export function allocateSparePages(database: LedgerDatabase): void {
  const { db } = database;
  database.transaction(() => {
    db.exec('CREATE TABLE room (filling BLOB) STRICT');
    db.prepare('INSERT INTO room (filling) VALUES (zeroblob(?))').run(SPARE_BYTES);
    db.exec('DROP TABLE room');
  });
  // Moves the pages into the database file now, because a checkpoint on a full card could not extend the file.
  try {
    db.exec('PRAGMA wal_checkpoint(RESTART)');
  } catch (error) {
    throw toLedgerError(error, 'reserve space in the ledger');
  }
}

/**
 * Creates the ballast file durably, unless there is one of at least this size. It may be larger, because it grows while it is the WAL.
 * Throws DISK_FULL if the card has no space for it.
 */
export async function keepBallast(disk: Disk, path: string): Promise<void> {
  if (((await disk.stat(path))?.sizeBytes ?? 0) >= BALLAST_BYTES) return;
  // The bytes must actually be written, because a sparse file would occupy no space.
  await disk.replace(path, new Uint8Array(BALLAST_BYTES).fill(1));
}
