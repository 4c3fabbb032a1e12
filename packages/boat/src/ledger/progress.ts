import type { Category } from '@d3kos/protocol';
import type { Cursor } from '../collect/cursor.ts';
import type { LedgerDatabase } from '../platform/ports.ts';
import type { CategoryMoves } from './entry.ts';
import { lowerCursor } from './policy.ts';

/** How far each category is exported: the cursors of logs and the digests of state records. */
export interface Progress {
  cursorOf(category: Category, source: string): Cursor | undefined;
  digestOf(category: Category, recordId: string): string | undefined;
  /**
   * Inside the transaction that enqueues `entryNo`: the cursors move to the ends of its ranges, except those that were
   * given back since the collection found them; the digests become its.
   */
  advance(entryNo: number, moves: readonly CategoryMoves[]): void;
  /**
   * Inside the transaction that fails `entryNo`: its ranges are due again. Cursors go back to where its ranges began
   * (never forward), and state records last exported by it count as never exported.
   */
  giveBack(entryNo: number): void;
}

export function createProgress({ db }: LedgerDatabase): Progress {
  const selectCursor = db.prepare(
    'SELECT position, check_text FROM cursors WHERE category = ? AND source = ?',
  );
  const upsertCursor = db.prepare(
    `INSERT INTO cursors (category, source, position, check_text) VALUES (?, ?, ?, ?)
     ON CONFLICT (category, source) DO UPDATE SET position = excluded.position, check_text = excluded.check_text`,
  );
  const deleteCursor = db.prepare('DELETE FROM cursors WHERE category = ? AND source = ?');
  const insertRange = db.prepare(
    `INSERT INTO ranges (entry_no, category, source, from_position, from_check, to_position, to_check)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectRanges = db.prepare(
    'SELECT category, source, from_position, from_check FROM ranges WHERE entry_no = ?',
  );
  const selectDigest = db.prepare('SELECT digest FROM digests WHERE category = ? AND record_id = ?');
  const upsertDigest = db.prepare(
    `INSERT INTO digests (category, record_id, digest, entry_no) VALUES (?, ?, ?, ?)
     ON CONFLICT (category, record_id) DO UPDATE SET digest = excluded.digest, entry_no = excluded.entry_no`,
  );
  const forgetDigests = db.prepare('DELETE FROM digests WHERE entry_no = ?');

  const cursorOf = (category: Category, source: string): Cursor | undefined => {
    const row = selectCursor.get(category, source);
    // The columns are STRICT INTEGER and TEXT.
    return row === undefined
      ? undefined
      : { position: row['position'] as number, check: row['check_text'] as string };
  };

  return {
    cursorOf,
    // STRICT TEXT NOT NULL.
    digestOf: (category, recordId) => selectDigest.get(category, recordId)?.['digest'] as string | undefined,

    advance(entryNo, moves) {
      for (const { category, cursors, digests, found } of moves) {
        for (const { source, from, to } of cursors) {
          insertRange.run(
            entryNo,
            category,
            source,
            from?.position ?? null,
            from?.check ?? null,
            to.position,
            to.check,
          );
          const isStill = found === undefined || isSameCursor(cursorOf(category, source), found.get(source));
          if (isStill) upsertCursor.run(category, source, to.position, to.check);
        }
        for (const { recordId, digest } of digests) upsertDigest.run(category, recordId, digest, entryNo);
      }
    },

    giveBack(entryNo) {
      for (const row of selectRanges.all(entryNo)) {
        // STRICT columns; from_position and from_check are NULL together.
        const category = row['category'] as Category;
        const source = row['source'] as string;
        const from =
          row['from_position'] === null
            ? undefined
            : { position: row['from_position'] as number, check: row['from_check'] as string };
        const lower = lowerCursor(cursorOf(category, source), from);
        if (lower === undefined) deleteCursor.run(category, source);
        else upsertCursor.run(category, source, lower.position, lower.check);
      }
      forgetDigests.run(entryNo);
    },
  };
}

function isSameCursor(left: Cursor | undefined, right: Cursor | undefined): boolean {
  return left?.position === right?.position && left?.check === right?.check;
}
