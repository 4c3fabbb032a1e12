import type { LedgerDatabase } from '../platform/ports.ts';

/**
 * Space inside the ledger that state changes can use when the card is full: about a thousand history rows, a season's
 * worth, and nothing on any card.
 */
const ROOM_BYTES = 512 * 1024;
/** Below this much free space inside, the room is made again. */
const ROOM_MIN_BYTES = 256 * 1024;

/**
 * Keeps free pages inside the database, so that delivering, failing and cleaning up still work when the file cannot grow
 * (spec: delivery, Disk). Called while there is space. Throws what `transaction` throws.
 */
export function keepRoom(database: LedgerDatabase): void {
  const { db } = database;
  // Both pragmas are one integer.
  const pageSizeBytes = db.prepare('PRAGMA page_size').get()?.['page_size'] as number;
  const freePages = db.prepare('PRAGMA freelist_count').get()?.['freelist_count'] as number;
  if (freePages * pageSizeBytes >= ROOM_MIN_BYTES) return;
  database.transaction(() => {
    db.exec('CREATE TABLE room (filling BLOB) STRICT');
    db.prepare('INSERT INTO room (filling) VALUES (zeroblob(?))').run(ROOM_BYTES);
    db.exec('DROP TABLE room');
  });
}
