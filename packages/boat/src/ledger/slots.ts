import type { LedgerDatabase, WallMs } from '../platform/ports.ts';

/** Claims kept: two years of days, so that a clock that jumps back within them cannot export a day twice. */
const SLOTS_KEPT_MAX = 730;

/** The daily slots that were claimed. */
export interface Slots {
  /** For a slot that led to no export (nothing was new): true exactly once per slot. One that did is claimed by `Queue.enqueue`. */
  claim(slotId: string, atMs: WallMs): boolean;
  claimed(): readonly string[];
}

export function createSlots(ledger: LedgerDatabase): Slots {
  const { db } = ledger;
  const insert = db.prepare(
    'INSERT INTO slots (slot_id, claimed_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  const prune = db.prepare(
    'DELETE FROM slots WHERE slot_id NOT IN (SELECT slot_id FROM slots ORDER BY claimed_at_ms DESC, slot_id DESC LIMIT ?)',
  );
  const select = db.prepare('SELECT slot_id FROM slots ORDER BY slot_id');
  return {
    claim: (slotId, atMs) =>
      ledger.transaction(() => {
        const isFirst = insert.run(slotId, atMs).changes === 1;
        if (isFirst) prune.run(SLOTS_KEPT_MAX);
        return isFirst;
      }),
    // STRICT TEXT.
    claimed: () => select.all().map((row) => row['slot_id'] as string),
  };
}
