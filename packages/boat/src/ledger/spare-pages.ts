import type { Disk, LedgerDatabase } from '../platform/ports.ts';

/**
 * Space reserved inside the ledger for state changes on a full card: about a thousand history rows, which is enough for a season
 * and negligible on any card.
 */
const SPARE_BYTES = 512 * 1024;
/** Minimum free space inside the ledger. Below this, the space is reserved again. */
const SPARE_MIN_BYTES = 256 * 1024;
/** Size of the ballast file. It is removed on a full card, because startup needs space for a new WAL and its index. */
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
 * Reserves the space even if enough pages are free. The pages pass through the WAL, so the WAL file also grows to this size. Each
 * run creates a new WAL and therefore calls this function once.
 */
export function allocateSparePages(database: LedgerDatabase): void {
  const { db } = database;
  database.transaction(() => {
    db.exec('CREATE TABLE room (filling BLOB) STRICT');
    db.prepare('INSERT INTO room (filling) VALUES (zeroblob(?))').run(SPARE_BYTES);
    db.exec('DROP TABLE room');
  });
  // Moves the pages into the database file now, because a checkpoint on a full card could not extend the file.
  db.exec('PRAGMA wal_checkpoint(RESTART)');
}

/** Creates the ballast file durably if it does not exist. Throws DISK_FULL if the card has no space for it. */
export async function keepBallast(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path))?.sizeBytes === BALLAST_BYTES) return;
  // The bytes must actually be written, because a sparse file would occupy no space.
  await disk.replace(path, new Uint8Array(BALLAST_BYTES).fill(1));
}
