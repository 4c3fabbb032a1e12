import type { LedgerDatabase } from '../platform/ports.ts';

/** Single facts of the ledger: who it is and how far it has counted. */
export interface Facts {
  /** 16 lowercase hex digits made with the ledger: tells central which count a sequence belongs to. */
  readonly ledgerId: string;
  /** The sequence the next export will carry. Taken only when that export is committed, so an abandoned one leaves no gap. */
  nextSequence(): number;
  /** No export is given `sequence` or one below it again in this run; the entries themselves tell the next one. */
  skipSequence(sequence: number): void;
  /** Inside a transaction that removes entries: their sequences stay taken. */
  keepSequence(): void;
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
  // One integer, or NULL where there is no entry.
  const highest = db.prepare('SELECT max(sequence) AS n FROM entries').get()?.['n'] as number | null;
  let next = Math.max(Number(get('next_sequence') ?? '1'), (highest ?? 0) + 1);

  // docs/spec/protocol.md R58: "A boat MUST name the ledger that a sequence belongs to in `ledger_id`, and use a new
  // ID for a new ledger."
  const ledgerId =
    get('ledger_id') ??
    ledger.transaction(() => {
      const made = newLedgerId();
      set('ledger_id', made);
      return made;
    });
  return {
    ledgerId,
    // docs/spec/protocol.md R57: "A boat MUST number the exports of one ledger in `sequence`, and MUST NOT use a
    // number for two exports."
    nextSequence: () => next,
    skipSequence: (sequence) => {
      next = Math.max(next, sequence + 1);
    },
    keepSequence: () => set('next_sequence', String(next)),
    get,
    set,
    record: (name, value) => ledger.transaction(() => set(name, value)),
  };
}
