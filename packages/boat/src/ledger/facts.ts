import type { LedgerDatabase } from '../platform/ports.ts';

/** Single facts of the ledger: who it is and how far it has counted. */
export interface Facts {
  /** 16 lowercase hex digits made with the ledger: tells central which count a sequence belongs to. */
  readonly ledgerId: string;
  /** The sequence the next export will carry. Taken only when that export is committed, so an abandoned one leaves no gap. */
  nextSequence(): number;
  /** Inside a transaction: the next sequence is above `sequence`. */
  raiseSequence(sequence: number): void;
  /** In this run, no export is given `sequence` or one below it again, although none was committed with it. */
  skipSequence(sequence: number): void;
  get(name: string): string | undefined;
  /** Inside a transaction. */
  set(name: string, value: string): void;
  /** A transaction of its own: durable when it returns. */
  record(name: string, value: string): void;
}

/** Reads the facts, and makes the ledger's id when it is new. */
export function createFacts(ledger: LedgerDatabase, newLedgerId: () => string): Facts {
  const { db } = ledger;
  const select = db.prepare('SELECT value FROM facts WHERE name = ?');
  const upsert = db.prepare(
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  // STRICT TEXT NOT NULL.
  const get = (name: string): string | undefined => select.get(name)?.['value'] as string | undefined;
  const set = (name: string, value: string): void => {
    upsert.run(name, value);
  };
  let skipped = 0;
  const nextSequence = (): number => Math.max(Number(get('next_sequence') ?? '1'), skipped + 1);

  const ledgerId =
    get('ledger_id') ??
    ledger.transaction(() => {
      const made = newLedgerId();
      set('ledger_id', made);
      return made;
    });
  return {
    ledgerId,
    nextSequence,
    raiseSequence: (sequence) => {
      if (sequence >= nextSequence()) set('next_sequence', String(sequence + 1));
    },
    skipSequence: (sequence) => {
      skipped = Math.max(skipped, sequence);
    },
    get,
    set,
    record: (name, value) => ledger.transaction(() => set(name, value)),
  };
}
