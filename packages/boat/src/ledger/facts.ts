import type { LedgerDatabase } from '../platform/ports.ts';
import type { Counters } from './counters.ts';

/** Single facts of the ledger: its identity, its sequence, and named texts. */
export interface Facts {
  /** 16 lowercase hex digits made with the ledger. They name the count that central compares a sequence with. */
  readonly ledgerId: string;
  /** The sequence for the next export. It is taken only when that export is committed: an abandoned export leaves no gap. */
  nextSequence(): number;
  /** No later export of this run gets `sequence` or a lower one. For an export whose commit failed: its file may have been seen. */
  skipSequence(sequence: number): void;
  get(name: string): string | undefined;
  /** A transaction of its own: durable when it returns. */
  record(name: string, value: string): void;
}

/** Reads the facts. A new ledger gets its id here. */
export function createFacts(ledger: LedgerDatabase, counters: Counters, newLedgerId: () => string): Facts {
  const { db } = ledger;
  const select = db.prepare('SELECT value FROM facts WHERE name = ?');
  const upsert = db.prepare(
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  // STRICT TEXT NOT NULL.
  const get = (name: string): string | undefined => select.get(name)?.['value'] as string | undefined;
  // docs/spec/protocol.md R58: "A boat MUST name the ledger that a sequence belongs to in `ledger_id`, and use a new
  // ID for a new ledger."
  const ledgerId =
    get('ledger_id') ??
    ledger.transaction(() => {
      const made = newLedgerId();
      upsert.run('ledger_id', made);
      return made;
    });
  /** Only in memory: it is for sequences whose commit the ledger did not take. */
  let skippedThrough = 0;
  return {
    ledgerId,
    // docs/spec/protocol.md R57: "A boat MUST number the exports of one ledger in `sequence`, and MUST NOT use a
    // number for two exports."
    nextSequence: () => Math.max(counters.highestSequence(), skippedThrough) + 1,
    skipSequence: (sequence) => {
      skippedThrough = Math.max(skippedThrough, sequence);
    },
    get,
    record: (name, value) =>
      ledger.transaction(() => {
        upsert.run(name, value);
      }),
  };
}
