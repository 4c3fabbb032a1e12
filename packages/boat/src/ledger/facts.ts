import type { LedgerDatabase } from '../platform/ports.ts';
import type { Counters } from './counters.ts';

/** The ledger's ID, its next sequence, and other strings stored by name. */
export interface Facts {
  /**
   * 16 lowercase hex digits, generated for a new ledger. Central compares sequences only within one ledger ID. The ID changes if
   * the ledger has diverged (`LedgerChanges`).
   */
  readonly ledgerId: string;
  /**
   * Returns the sequence for the next export. The sequence is only used up when the export commits, so an abandoned export leaves
   * no gap.
   */
  nextSequence(): number;
  /** Prevents `sequence` from being reused in this run after a failed commit, because another program may have read the file. */
  skipSequence(ledgerId: string, sequence: number): void;
  get(name: string): string | undefined;
  /** Durably stores one string in its own transaction. */
  record(name: string, value: string): void;
  /** Durably removes the strings in one transaction. */
  forget(names: readonly string[]): void;
}

/** Opens the facts. Creates an ID if the ledger is new. */
export function createFacts(ledger: LedgerDatabase, counters: Counters, newLedgerId: () => string): Facts {
  const { db } = ledger;
  const select = db.prepare('SELECT value FROM facts WHERE name = ?');
  const upsert = db.prepare(
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare('DELETE FROM facts WHERE name = ?');
  // The column is TEXT NOT NULL in a STRICT table.
  const get = (name: string): string | undefined => select.get(name)?.['value'] as string | undefined;
  // docs/spec/protocol.md R58: "A boat MUST name the ledger that a sequence belongs to in `ledger_id`, and use a new
  // ID for a new ledger."
  if (get('ledger_id') === undefined)
    ledger.transaction(() => {
      upsert.run('ledger_id', newLedgerId());
    });
  // The ID was generated above and is never removed.
  const readLedgerId = (): string => get('ledger_id') as string;
  /** The highest sequence whose commit failed, and its ledger. Kept only in memory, because the commit failed. */
  let skipped = { ledgerId: '', through: 0 };
  return {
    get ledgerId() {
      return readLedgerId();
    },
    // docs/spec/protocol.md R57: "A boat MUST number the exports of one ledger in `sequence`, and MUST NOT use a
    // number for two exports."
    nextSequence: () => {
      const skippedThrough = skipped.ledgerId === readLedgerId() ? skipped.through : 0;
      return Math.max(counters.highestSequence(), skippedThrough) + 1;
    },
    skipSequence: (ledgerId, sequence) => {
      const through = skipped.ledgerId === ledgerId ? Math.max(skipped.through, sequence) : sequence;
      skipped = { ledgerId, through };
    },
    get,
    record: (name, value) =>
      ledger.transaction(() => {
        upsert.run(name, value);
      }),
    forget: (names) =>
      ledger.transaction(() => {
        for (const name of names) remove.run(name);
      }),
  };
}
