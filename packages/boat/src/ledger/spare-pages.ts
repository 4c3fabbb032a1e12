import type { Disk, LedgerDatabase } from '../platform/ports.ts';

/**
 * Space inside the ledger that state changes can use when the card is full: about a thousand history rows, a season's
 * worth, and nothing on any card.
 */
const SPARE_BYTES = 512 * 1024;
/** Below this much free space inside, the room is made again. */
const SPARE_MIN_BYTES = 256 * 1024;
/** A file of this size is there to be given up: a start needs a new WAL and its index when the card is full. */
export const BALLAST_BYTES = 2 * 1024 * 1024;

/**
 * Keeps free pages inside the database, so that delivering, failing and cleaning up still work when the file cannot grow
 * (docs/spec/delivery.md, "Disk"). Called while there is space. Throws what `transaction` throws.
 */
export function ensureSparePages(database: LedgerDatabase): void {
  const { db } = database;
  // Both pragmas are one integer.
  const pageSizeBytes = db.prepare('PRAGMA page_size').get()?.['page_size'] as number;
  const freePages = db.prepare('PRAGMA freelist_count').get()?.['freelist_count'] as number;
  if (freePages * pageSizeBytes < SPARE_MIN_BYTES) allocateSparePages(database);
}

/**
 * Makes the room, whatever there is: its pages go through the WAL, which keeps the space. A WAL lives as long as a run of
 * the program, so each run needs this once, as `ensureSparePages` is needed now and then.
 */
export function allocateSparePages(database: LedgerDatabase): void {
  const { db } = database;
  database.transaction(() => {
    db.exec('CREATE TABLE room (filling BLOB) STRICT');
    db.prepare('INSERT INTO room (filling) VALUES (zeroblob(?))').run(SPARE_BYTES);
    db.exec('DROP TABLE room');
  });
  // Into the database file: on a full card a checkpoint could not make it grow.
  db.exec('PRAGMA wal_checkpoint(RESTART)');
}

/** Puts the ballast there if it is not, durably. Throws DISK_FULL where there is no room for it. */
export async function keepBallast(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path))?.sizeBytes === BALLAST_BYTES) return;
  // Written, not merely declared: a hole takes no space that could be given up.
  await disk.replace(path, new Uint8Array(BALLAST_BYTES).fill(1));
}
