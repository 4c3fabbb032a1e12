import type { Category } from '@d3kos/protocol';
import type { LedgerDatabase } from '../platform/ports.ts';
import { type Cursors, toCursor } from './cursors.ts';

/**
 * This ledger's delivered exports whose entries and files were removed. Their ranges are kept in case central loses the exports.
 */
export interface RemovedExports {
  /** Inside the transaction that removes a completed entry: keeps its ranges. */
  keep(entryNo: number): void;
  /** Inside the transaction that removes a failed entry: drops its ranges, which were rewound when it failed. */
  drop(entryNo: number): void;
  has(sequence: number): boolean;
  /**
   * Inside a transaction: rewinds the ranges of this export and of every later removed one. The rewound cursors cover the later
   * exports in any case, and rewinding all of them ensures that no export is rewound twice.
   */
  rewindFrom(sequence: number): void;
}

export function createRemovedExports({ db }: LedgerDatabase, cursors: Cursors): RemovedExports {
  const insert = db.prepare(
    `INSERT INTO removed_exports (sequence, entry_no)
     SELECT sequence, entry_no FROM entries WHERE entry_no = ? AND status = 'completed' AND sequence > 0
     ON CONFLICT (sequence) DO UPDATE SET entry_no = excluded.entry_no`,
  );
  const deleteRanges = db.prepare('DELETE FROM ranges WHERE entry_no = ?');
  const find = db.prepare('SELECT 1 FROM removed_exports WHERE sequence = ?');
  const REMOVED = 'SELECT entry_no FROM removed_exports WHERE sequence >= ?1';
  const selectUnknown = db.prepare(`${REMOVED} AND entry_no IS NULL LIMIT 1`);
  // The start of a log (null) comes first.
  const selectLowest = db.prepare(
    `SELECT category, source, from_position, from_check FROM (
       SELECT category, source, from_position, from_check,
         row_number() OVER (PARTITION BY category, source ORDER BY from_position NULLS FIRST) AS place
       FROM ranges WHERE entry_no IN (${REMOVED})) WHERE place = 1`,
  );
  const rewindDigests = db.prepare(
    `INSERT INTO digest_states (entry_no, state)
     SELECT DISTINCT entry_no, 'rewound' FROM digests WHERE entry_no IN (${REMOVED}) ON CONFLICT DO NOTHING`,
  );
  const rewindUnknownDigests = db.prepare(
    `INSERT INTO digest_states (entry_no, state)
     SELECT DISTINCT entry_no, 'rewound' FROM digests WHERE entry_no NOT IN (SELECT entry_no FROM entries)
     ON CONFLICT DO NOTHING`,
  );
  const deleteAllRanges = db.prepare(`DELETE FROM ranges WHERE entry_no IN (${REMOVED})`);
  const deleteRemoved = db.prepare('DELETE FROM removed_exports WHERE sequence >= ?');
  return {
    keep: (entryNo) => {
      // An export from another ledger has no sequence in this ledger, so central cannot list it.
      if (Number(insert.run(entryNo).changes) === 0) deleteRanges.run(entryNo);
    },
    drop: (entryNo) => {
      deleteRanges.run(entryNo);
    },
    has: (sequence) => find.get(sequence) !== undefined,
    rewindFrom: (sequence) => {
      if (selectUnknown.get(sequence) !== undefined) {
        cursors.rewindAll();
        rewindUnknownDigests.run();
      }
      for (const row of selectLowest.all(sequence)) {
        // The columns are TEXT in a STRICT table, and only `Cursors` writes categories.
        const category = row['category'] as Category;
        const source = row['source'] as string;
        cursors.rewindTo(category, source, toCursor(row['from_position'], row['from_check']));
      }
      rewindDigests.run(sequence);
      deleteAllRanges.run(sequence);
      deleteRemoved.run(sequence);
    },
  };
}
