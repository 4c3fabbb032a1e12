import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Parts } from './parts.ts';
import { toRenumberedExportId } from './labels.ts';

/** A ledger that replaced a diverged one. */
export interface LedgerChange {
  readonly atMs: WallMs;
  readonly oldLedgerId: string;
  readonly newLedgerId: string;
  /** The error that central returned. */
  readonly reason: string;
  /** Number of waiting and failed exports that were renumbered in the new ledger. */
  readonly renumberedCount: number;
  /** False until the new ledger's full export is queued. */
  readonly hasFullExport: boolean;
}

/** The ledgers that this boat began because central had reported a divergence. */
export interface LedgerChanges {
  /**
   * Begins a new ledger in one transaction. Waiting and failed exports are renumbered from 1, oldest first, and get new export
   * IDs, and all their parts are sent again. Delivered exports keep their ID but no longer have a sequence. Cursors and digests
   * are reset, so every record is due in the next export, which `isFullDue` requires to be full. No export may be `uploading`.
   * Throws LEDGER_FAILED and DISK_…, leaving the ledger unchanged.
   */
  begin(why: { readonly atMs: WallMs; readonly reason: string }): LedgerChange;
  /** True from `begin` until a full export of the new ledger is queued. */
  isFullDue(): boolean;
  /** Must be called inside the transaction that queues a full export of the current ledger. */
  noteFullExport(entryNo: number): void;
  /** Newest first. */
  list(limit: number): readonly LedgerChange[];
}

export function createLedgerChanges(
  ledger: LedgerDatabase,
  parts: Parts,
  newLedgerId: () => string,
): LedgerChanges {
  const { db } = ledger;
  const selectLedgerId = db.prepare("SELECT value FROM facts WHERE name = 'ledger_id'");
  const updateLedgerId = db.prepare("UPDATE facts SET value = ? WHERE name = 'ledger_id'");
  // Exports from an even earlier ledger have sequence 0. They are older than any export from this one.
  const selectOpen = db.prepare(
    "SELECT entry_no FROM entries WHERE status IN ('pending', 'failed') ORDER BY sequence > 0, entry_no",
  );
  const renumber = db.prepare(
    'UPDATE entries SET sequence = ?, export_id = ?, retry_count = 0, refusal_count = 0 WHERE entry_no = ?',
  );
  const insert = db.prepare(
    `INSERT INTO ledger_changes (at_ms, old_ledger_id, new_ledger_id, reason, renumbered) VALUES (?, ?, ?, ?, ?)
     RETURNING *`,
  );
  const updateFull = db.prepare('UPDATE ledger_changes SET full_entry_no = ? WHERE full_entry_no IS NULL');
  const selectDue = db.prepare('SELECT 1 FROM ledger_changes WHERE full_entry_no IS NULL LIMIT 1');
  const select = db.prepare('SELECT * FROM ledger_changes ORDER BY change_no DESC LIMIT ?');
  return {
    begin: ({ atMs, reason }) =>
      ledger.transaction(() => {
        // The columns read here are TEXT and INTEGER in STRICT tables.
        const oldLedgerId = selectLedgerId.get()?.['value'] as string;
        const ledgerId = newLedgerId();
        updateLedgerId.run(ledgerId);
        const open = selectOpen.all().map((row) => row['entry_no'] as number);
        for (const [at, entryNo] of open.entries()) {
          renumber.run(at + 1, toRenumberedExportId(ledgerId, at + 1), entryNo);
          parts.reopen(entryNo);
        }
        db.exec(`
          UPDATE entries SET sequence = 0 WHERE status = 'completed';
          DELETE FROM cursors;
          DELETE FROM removed_exports;
          DELETE FROM lapsed_sequences;
          DELETE FROM ranges WHERE entry_no NOT IN (SELECT entry_no FROM entries);
          INSERT INTO digest_states (entry_no, state)
            SELECT DISTINCT entry_no, 'rewound' FROM digests WHERE true ON CONFLICT DO NOTHING;
          UPDATE counters SET sequence = ${open.length};
        `);
        // RETURNING yields exactly one row.
        return toChange(insert.get(atMs, oldLedgerId, ledgerId, reason, open.length) ?? {});
      }),
    isFullDue: () => selectDue.get() !== undefined,
    noteFullExport: (entryNo) => {
      updateFull.run(entryNo);
    },
    list: (limit) => select.all(limit).map(toChange),
  };
}

function toChange(row: Readonly<Record<string, unknown>>): LedgerChange {
  // The table is STRICT.
  return {
    atMs: row['at_ms'] as WallMs,
    oldLedgerId: row['old_ledger_id'] as string,
    newLedgerId: row['new_ledger_id'] as string,
    reason: row['reason'] as string,
    renumberedCount: row['renumbered'] as number,
    hasFullExport: row['full_entry_no'] !== null,
  };
}
