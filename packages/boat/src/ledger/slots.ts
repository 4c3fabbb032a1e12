import type { LedgerDatabase, WallMs } from '../platform/ports.ts';

/**
 * Number of claims to keep: two years of daily slots, so that a clock that jumps back cannot cause a second export for the same
 * day.
 */
const SLOTS_KEPT_MAX = 730;

/** The claimed daily slots. */
export interface Slots {
  /**
   * Claims a slot that needs no export because nothing is new. Returns true only for the first claim. `Queue.enqueue` claims the
   * slots of exports.
   */
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
    // The column is TEXT in a STRICT table.
    claimed: () => select.all().map((row) => row['slot_id'] as string),
  };
}
