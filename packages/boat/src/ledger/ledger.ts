import { ExportError } from '../platform/errors.ts';
import type { LedgerDatabase } from '../platform/ports.ts';
import { type BrowserDocuments, createBrowserDocuments } from './browser-documents.ts';
import { createFacts, type Facts } from './facts.ts';
import { createProgress, type Progress } from './progress.ts';
import { createQueue, type Queue } from './queue.ts';
import { ensureSparePages, allocateSparePages } from './spare-pages.ts';
import { LEDGER_STEPS } from './schema.ts';
import { createSlots, type Slots } from './slots.ts';

/** The truth for queue, cursors, receipts, history, losses and slots (docs/spec/delivery.md, "The ledger"). Only the daemon opens it. */
export interface Ledger {
  readonly facts: Facts;
  readonly queue: Queue;
  readonly progress: Progress;
  readonly slots: Slots;
  readonly browser: BrowserDocuments;
  /** Makes sure that state changes will still fit when the card is full; see `ensureSparePages`. */
  ensureSparePages(): void;
  /** The same for a run that begins; see `allocateSparePages`. */
  allocateSparePages(): void;
  /** Commits a change that means nothing: throws what `transaction` throws where the card takes none. */
  proveWritable(): void;
  close(): void;
}

/**
 * Brings the database to the newest schema and gives the ledger over it.
 * Throws LEDGER_TOO_NEW for a database of a newer version: an older program must not touch it.
 */
export function openLedger(database: LedgerDatabase, newLedgerId: () => string): Ledger {
  migrate(database);
  const facts = createFacts(database, newLedgerId);
  const progress = createProgress(database, facts);
  return {
    facts,
    progress,
    queue: createQueue(database, facts, progress),
    slots: createSlots(database),
    browser: createBrowserDocuments(database),
    ensureSparePages: () => ensureSparePages(database),
    allocateSparePages: () => allocateSparePages(database),
    proveWritable: () =>
      database.transaction(() => {
        // Another value each time: SQLite writes no page that stays as it was.
        database.db.exec(
          `INSERT INTO facts (name, value) VALUES ('proof', 'even')
           ON CONFLICT (name) DO UPDATE SET value = iif(value = 'even', 'odd', 'even')`,
        );
      }),
    close: () => database.close(),
  };
}

function migrate(database: LedgerDatabase): void {
  // PRAGMA user_version is always one integer.
  const reached = database.db.prepare('PRAGMA user_version').get()?.['user_version'] as number;
  if (reached > LEDGER_STEPS.length)
    throw new ExportError(
      'LEDGER_TOO_NEW',
      `The ledger has version ${reached}, this program knows ${LEDGER_STEPS.length}`,
      {
        op: 'open the ledger',
        hint: 'Install the newer export manager again; the ledger was not touched.',
      },
    );
  for (const [index, step] of LEDGER_STEPS.entries()) {
    if (index < reached) continue;
    database.transaction(() => {
      database.db.exec(step);
      database.db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
