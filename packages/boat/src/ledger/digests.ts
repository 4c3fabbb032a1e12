import type { Category } from '@d3kos/protocol';
import type { LedgerDatabase } from '../platform/ports.ts';
import { fromStoredDigest, toDigestKey, toStoredDigest } from './digest-key.ts';
import type { CategoryMoves, RecordDigest } from './entry.ts';

/**
 * Number of rows removed per purge step. A step takes about 4 ms on the benchmark machine, so even a much slower machine does not
 * block the event loop for more than 50 ms.
 */
const PURGED_AT_ONCE_MAX = 250;

/**
 * The digest of each state record as last exported, and that export's entry. A single row in `digest_states` determines whether
 * an entry's digests are valid. A large export's digests are staged in small transactions and become valid when its entry
 * commits. A failed entry's digests become invalid immediately. A purge removes invalid rows in small steps (decision 0028).
 */
export interface Digests {
  /** Returns the record's digest in the newest entry that contains it, or undefined if that entry failed. */
  digestOf(category: Category, recordId: string): string | undefined;
  /** Returns the number of the entry that has staged digests. Its export is in progress or was abandoned. */
  stagedNo(): number | undefined;
  /**
   * Inside a transaction: stores digests for `entryNo` that become valid only at its commit. No other entry may have staged
   * digests.
   */
  stage(entryNo: number, category: Category, digests: readonly RecordDigest[]): void;
  /** Inside the transaction that commits `entryNo`: makes its staged digests valid. Throws if it has none. */
  promote(entryNo: number): void;
  /** Inside the transaction that commits `entryNo`: stores its digests as valid. */
  write(entryNo: number, moves: readonly CategoryMoves[]): void;
  /**
   * Inside the transaction that fails `entryNo`: makes its digests invalid, so that their records count as never
   * exported.
   */
  rewind(entryNo: number): void;
  /**
   * Removes some invalid rows in its own transaction. If there are none, writes nothing and returns false. Must not run while an
   * export is in progress, because it would remove that export's staged digests.
   */
  purge(): boolean;
}

export function createDigests(ledger: LedgerDatabase): Digests {
  const { db } = ledger;
  const select = db.prepare(
    `SELECT iif(state = 'rewound', NULL, digest) AS digest FROM digests LEFT JOIN digest_states USING (entry_no)
     WHERE record_key = ? AND state IS NOT 'staged' ORDER BY entry_no DESC LIMIT 1`,
  );
  const selectStaged = db.prepare("SELECT entry_no FROM digest_states WHERE state = 'staged'");
  const upsert = db.prepare(
    `INSERT INTO digests (record_key, entry_no, digest) VALUES (?, ?, ?)
     ON CONFLICT (record_key, entry_no) DO UPDATE SET digest = excluded.digest`,
  );
  const deleteOthers = db.prepare('DELETE FROM digests WHERE record_key = ? AND entry_no <> ?');
  // Keeps the newest valid row, which stays valid if the staged entry never commits.
  const deleteOutdated = db.prepare(
    `DELETE FROM digests WHERE record_key = ?1 AND entry_no <
       (SELECT max(entry_no) FROM digests WHERE record_key = ?1 AND entry_no < ?2)`,
  );
  const hasDigests = db.prepare('SELECT 1 FROM digests WHERE entry_no = ? LIMIT 1');
  const insertState = db.prepare(
    'INSERT INTO digest_states (entry_no, state) VALUES (?, ?) ON CONFLICT (entry_no) DO NOTHING',
  );
  const deleteStaged = db.prepare("DELETE FROM digest_states WHERE entry_no = ? AND state = 'staged'");
  return {
    digestOf: (category, recordId) => {
      // The value comes from `toStoredDigest`, and is null if the digest's entry failed.
      const stored = select.get(toDigestKey(category, recordId))?.['digest'] as
        Uint8Array | string | null | undefined;
      return stored === null || stored === undefined ? undefined : fromStoredDigest(stored);
    },
    stagedNo: () => selectStaged.get()?.['entry_no'] as number | undefined,
    stage: (entryNo, category, digests) => {
      insertState.run(entryNo, 'staged');
      for (const { recordId, digest } of digests) {
        const key = toDigestKey(category, recordId);
        upsert.run(key, entryNo, toStoredDigest(digest));
        deleteOutdated.run(key, entryNo);
      }
    },
    promote: (entryNo) => {
      if (Number(deleteStaged.run(entryNo).changes) !== 1)
        throw new Error(`no digests are staged for entry ${entryNo}`);
    },
    write: (entryNo, moves) => {
      for (const { category, digests } of moves)
        for (const { recordId, digest } of digests) {
          const key = toDigestKey(category, recordId);
          deleteOthers.run(key, entryNo);
          upsert.run(key, entryNo, toStoredDigest(digest));
        }
    },
    rewind: (entryNo) => {
      if (hasDigests.get(entryNo) !== undefined) insertState.run(entryNo, 'rewound');
    },
    purge: createPurge(ledger),
  };
}

/** See `Digests.purge`. */
function createPurge(ledger: LedgerDatabase): () => boolean {
  const { db } = ledger;
  const selectState = db.prepare('SELECT entry_no, state FROM digest_states ORDER BY entry_no LIMIT 1');
  const selectOfEntry = db.prepare('SELECT record_key FROM digests WHERE entry_no = ? LIMIT ?');
  const deleteOne = db.prepare('DELETE FROM digests WHERE record_key = ? AND entry_no = ?');
  const deleteThrough = db.prepare('DELETE FROM digests WHERE record_key = ? AND entry_no <= ?');
  const deleteState = db.prepare('DELETE FROM digest_states WHERE entry_no = ?');
  return () => {
    const first = selectState.get();
    if (first === undefined) return false;
    // The column is INTEGER in a STRICT table.
    const entryNo = first['entry_no'] as number;
    // For an abandoned entry, the previous digest stays valid. For a failed entry, no digest stays valid.
    const remove = first['state'] === 'staged' ? deleteOne : deleteThrough;
    ledger.transaction(() => {
      const rows = selectOfEntry.all(entryNo, PURGED_AT_ONCE_MAX);
      // The column is BLOB NOT NULL in a STRICT table.
      for (const row of rows) remove.run(row['record_key'] as Uint8Array, entryNo);
      if (rows.length < PURGED_AT_ONCE_MAX) deleteState.run(entryNo);
    });
    return true;
  };
}
