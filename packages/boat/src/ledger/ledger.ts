import { ExportError } from '../platform/errors.ts';
import { quickCheck } from '../platform/sqlite-code.ts';
import type { LedgerDatabase } from '../platform/ports.ts';
import { type BrowserDocuments, createBrowserDocuments } from './browser-documents.ts';
import { type BundledExports, createBundledExports } from './bundled-exports.ts';
import { createCounters } from './counters.ts';
import { createCursors, type Cursors } from './cursors.ts';
import { addDigestFunctions } from './digest-key.ts';
import { createDigests, type Digests } from './digests.ts';
import { createFacts, type Facts } from './facts.ts';
import { createLedgerChanges, type LedgerChanges } from './ledger-changes.ts';
import { createLosses } from './losses.ts';
import { createMissingExports } from './missing-exports.ts';
import { createNotifications, type Notifications } from './notifications.ts';
import { createQueue, type Queue } from './queue.ts';
import { createParts } from './parts.ts';
import { createRemovedExports } from './removed-exports.ts';
import { allocateSparePages, ensureSparePages } from './spare-pages.ts';
import { LEDGER_STEPS } from './schema.ts';
import { createSlots, type Slots } from './slots.ts';
import { createTimeZones, type TimeZones } from './time-zones.ts';

/** Each category's export progress: the cursors of logs and the digests of state records. */
export interface Progress {
  readonly cursorOf: Cursors['cursorOf'];
  readonly digestOf: Digests['digestOf'];
  readonly digests: Pick<Digests, 'stagedNo' | 'purge'>;
}

/**
 * The durable state: queue, cursors, receipts, history, losses and slots (docs/spec/delivery.md, "The ledger"). Only the daemon
 * opens it. Everything is read from the database, except for the set of entries being sent, which is kept in memory.
 */
export interface Ledger {
  readonly facts: Facts;
  readonly changes: LedgerChanges;
  readonly queue: Queue;
  readonly progress: Progress;
  readonly slots: Slots;
  readonly timeZones: TimeZones;
  readonly browser: BrowserDocuments;
  readonly bundled: BundledExports;
  readonly notifications: Notifications;
  /** Keeps space available for state changes on a full card. See `ensureSparePages`. */
  ensureSparePages(): void;
  /** Reserves this space at the start of a run. See `allocateSparePages`. */
  allocateSparePages(): void;
  /** Returns `ok`, or the first damage that SQLite finds. */
  quickCheck(): string;
  /** Commits a change without effect, to test whether the card accepts writes. Throws like `transaction`. */
  proveWritable(): void;
  close(): void;
}

/**
 * Upgrades the database to the newest schema and returns its ledger. Throws LEDGER_TOO_NEW if the schema is newer than this
 * program, because an older program must not change it.
 */
export function openLedger(database: LedgerDatabase, newLedgerId: () => string): Ledger {
  migrate(database);
  const counters = createCounters(database);
  const cursors = createCursors(database);
  const digests = createDigests(database);
  const losses = createLosses(database);
  const facts = createFacts(database, counters, newLedgerId);
  const parts = createParts(database);
  const changes = createLedgerChanges(database, parts, newLedgerId);
  const removed = createRemovedExports(database, cursors);
  const missing = createMissingExports(database, parts, removed);
  return {
    facts,
    changes,
    progress: { cursorOf: cursors.cursorOf, digestOf: digests.digestOf, digests },
    queue: createQueue(database, {
      facts,
      changes,
      counters,
      cursors,
      digests,
      losses,
      parts,
      removed,
      missing,
    }),
    slots: createSlots(database),
    timeZones: createTimeZones(database),
    browser: createBrowserDocuments(database, losses),
    bundled: createBundledExports(database),
    notifications: createNotifications(database),
    ensureSparePages: () => ensureSparePages(database),
    allocateSparePages: () => allocateSparePages(database),
    proveWritable: () =>
      database.transaction(() => {
        // The value alternates, because SQLite does not write an unchanged page.
        database.db.exec(
          `INSERT INTO facts (name, value) VALUES ('proof', 'even')
           ON CONFLICT (name) DO UPDATE SET value = iif(value = 'even', 'odd', 'even')`,
        );
      }),
    quickCheck: () => quickCheck(database.db),
    close: () => database.close(),
  };
}

function migrate(database: LedgerDatabase): void {
  // PRAGMA user_version is always one integer.
  const reached = database.db.prepare('PRAGMA user_version').get()?.['user_version'] as number;
  if (reached > LEDGER_STEPS.length)
    throw new ExportError(
      'LEDGER_TOO_NEW',
      `The ledger has version ${reached}; this program supports versions up to ${LEDGER_STEPS.length}`,
      {
        op: 'open the ledger',
        hint: 'Install the newer export manager again. The ledger was not changed.',
      },
    );
  addDigestFunctions(database.db);
  for (const [index, step] of LEDGER_STEPS.entries()) {
    if (index < reached) continue;
    database.transaction(() => {
      database.db.exec(step);
      database.db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
