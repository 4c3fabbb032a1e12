import type { Category } from '@d3kos/protocol';
import type { LedgerDatabase } from '../platform/ports.ts';
import type { RecordDigest } from './entry.ts';

/**
 * Rows settled in one step: some 4 ms on the machine of the benches, so that the event loop stays within its 50 ms on a
 * slower one too.
 */
const SETTLED_AT_ONCE_MAX = 250;

/** How the digests of an entry that is not settled are to be read. */
type Unsettled = 'ahead' | 'given_back';

/**
 * Under which digest each state record was last exported, and by which entry. What a commit has to say of an entry's
 * digests takes one row, however many they are: those of a large export are written ahead of its entry, in small
 * transactions, and count from its commit on; those that are given back count no more from that commit on, and go in
 * small steps (`purge`).
 */
export interface Digests {
  /** The digest under which the newest entry that carried the record did so; undefined where that entry gave it back. */
  digestOf(category: Category, recordId: string): string | undefined;
  /** The entry that digests were written ahead for and that is not committed: it is being made, or never will be. */
  stagedNo(): number | undefined;
  /** Inside a transaction: digests of `entryNo`, which do not count before its commit. There is no other such entry. */
  stageDigests(entryNo: number, category: Category, digests: readonly RecordDigest[]): void;
  /** Inside the transaction that commits `entryNo`: what was written ahead for it counts. Throws where nothing was. */
  promoteDigests(entryNo: number): void;
  /** Inside the transaction that commits `entryNo`: the digests are its. */
  write(entryNo: number, category: Category, digests: readonly RecordDigest[]): void;
  /** Inside the transaction that fails `entryNo`: the records it was the last to carry count as never exported. */
  giveBack(entryNo: number): void;
  /**
   * Removes some of the rows that do not count, in a transaction of its own; false where there was none, and nothing was
   * written. No export may be under way: what is written ahead for it would go.
   */
  purge(): boolean;
  /**
   * Follows the commit of `stageDigests` (`ahead`) and of `promoteDigests` (`settled`): so the entry's digests are read from now
   * on. It reads nothing: a ledger that fails now must not leave what is committed uncounted.
   */
  committed(entryNo: number, what: 'ahead' | 'settled'): void;
  /** Follows the commit of `giveBack`: takes from the ledger which entries are not settled. */
  reload(): void;
}

export function createDigests(ledger: LedgerDatabase): Digests {
  const { db } = ledger;
  const select = db.prepare(
    'SELECT digest, entry_no FROM digests WHERE category = ? AND record_id = ? ORDER BY entry_no DESC',
  );
  const upsert = db.prepare(
    `INSERT INTO digests (category, record_id, entry_no, digest) VALUES (?, ?, ?, ?)
     ON CONFLICT (category, record_id, entry_no) DO UPDATE SET digest = excluded.digest`,
  );
  const deleteOthers = db.prepare(
    'DELETE FROM digests WHERE category = ? AND record_id = ? AND entry_no <> ?',
  );
  // All but the newest of those that count: that one is needed again if the entry never comes.
  const deleteOutdated = db.prepare(
    `DELETE FROM digests WHERE category = ?1 AND record_id = ?2 AND entry_no <
       (SELECT max(entry_no) FROM digests WHERE category = ?1 AND record_id = ?2 AND entry_no < ?3)`,
  );
  const selectOfEntry = db.prepare('SELECT category, record_id FROM digests WHERE entry_no = ? LIMIT ?');
  const deleteOne = db.prepare('DELETE FROM digests WHERE category = ? AND record_id = ? AND entry_no = ?');
  const deleteThrough = db.prepare(
    'DELETE FROM digests WHERE category = ? AND record_id = ? AND entry_no <= ?',
  );
  const selectUnsettled = db.prepare('SELECT entry_no, what FROM unsettled_digests ORDER BY entry_no');
  const insertUnsettled = db.prepare(
    'INSERT INTO unsettled_digests (entry_no, what) VALUES (?, ?) ON CONFLICT (entry_no) DO NOTHING',
  );
  const deleteUnsettled = db.prepare('DELETE FROM unsettled_digests WHERE entry_no = ? AND what = ?');

  let unsettled = new Map<number, Unsettled>();
  const stagedNo = (): number | undefined => [...unsettled].find(([, what]) => what === 'ahead')?.[0];
  const reload = (): void => {
    // STRICT columns; `what` is checked against the two.
    unsettled = new Map(
      selectUnsettled.all().map((row) => [row['entry_no'] as number, row['what'] as Unsettled]),
    );
  };
  reload();

  return {
    digestOf: (category, recordId) => {
      // STRICT TEXT NOT NULL.
      if (unsettled.size === 0) return select.get(category, recordId)?.['digest'] as string | undefined;
      for (const row of select.all(category, recordId))
        switch (unsettled.get(row['entry_no'] as number)) {
          case 'ahead':
            continue;
          case 'given_back':
            return undefined;
          case undefined:
            return row['digest'] as string;
        }
      return undefined;
    },
    stagedNo,
    stageDigests: (entryNo, category, digests) => {
      insertUnsettled.run(entryNo, 'ahead');
      for (const { recordId, digest } of digests) {
        upsert.run(category, recordId, entryNo, digest);
        deleteOutdated.run(category, recordId, entryNo);
      }
    },
    promoteDigests: (entryNo) => {
      if (Number(deleteUnsettled.run(entryNo, 'ahead').changes) !== 1)
        throw new Error(`nothing was written ahead for entry ${entryNo}`);
    },
    write: (entryNo, category, digests) => {
      for (const { recordId, digest } of digests) {
        deleteOthers.run(category, recordId, entryNo);
        upsert.run(category, recordId, entryNo, digest);
      }
    },
    giveBack: (entryNo) => {
      if (selectOfEntry.get(entryNo, 1) !== undefined) insertUnsettled.run(entryNo, 'given_back');
    },
    purge: () => {
      const [first] = unsettled;
      if (first === undefined) return false;
      const [entryNo, what] = first;
      const isLast = ledger.transaction(() => {
        const rows = selectOfEntry.all(entryNo, SETTLED_AT_ONCE_MAX);
        // What an entry carried that came to nothing leaves the version before it; what it gave back leaves none.
        const remove = what === 'ahead' ? deleteOne : deleteThrough;
        // STRICT TEXT NOT NULL.
        for (const row of rows) remove.run(row['category'] as string, row['record_id'] as string, entryNo);
        if (rows.length === SETTLED_AT_ONCE_MAX) return false;
        deleteUnsettled.run(entryNo, what);
        return true;
      });
      if (isLast) unsettled.delete(entryNo);
      return true;
    },
    committed: (entryNo, what) => {
      if (what === 'settled') unsettled.delete(entryNo);
      else unsettled.set(entryNo, what);
    },
    reload,
  };
}
