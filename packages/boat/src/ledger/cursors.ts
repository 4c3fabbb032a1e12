import type { Category } from '@d3kos/protocol';
import type { Cursor } from '../collect/cursor.ts';
import type { LedgerDatabase } from '../platform/ports.ts';
import type { CategoryMoves } from './entry.ts';
import { lowerCursor } from './policy.ts';

/** Each log source's cursor, and the ranges that each entry covers. */
export interface Cursors {
  cursorOf(category: Category, source: string): Cursor | undefined;
  /**
   * Inside the transaction that enqueues `entryNo`: moves the cursors and records the ranges that the entry covers. If a cursor
   * was rewound after the collection read it, it does not move, so the next export covers its range again.
   */
  advance(entryNo: number, moves: readonly CategoryMoves[]): void;
  /**
   * Inside the transaction that fails `entryNo`: rewinds the cursors to the start of the entry's ranges. Never moves a cursor
   * forward.
   */
  rewindRanges(entryNo: number): void;
  /**
   * Inside a transaction: rewinds one cursor to `from`, or to the start of the log if `from` is undefined. Never moves it
   * forward.
   */
  rewindTo(category: Category, source: string, from: Cursor | undefined): void;
  /** Inside a transaction: rewinds all cursors to the start of their logs. */
  rewindAll(): void;
}

export function createCursors({ db }: LedgerDatabase): Cursors {
  const select = db.prepare('SELECT position, check_text FROM cursors WHERE category = ? AND source = ?');
  const upsert = db.prepare(
    `INSERT INTO cursors (category, source, position, check_text) VALUES (?, ?, ?, ?)
     ON CONFLICT (category, source) DO UPDATE SET position = excluded.position, check_text = excluded.check_text`,
  );
  const remove = db.prepare('DELETE FROM cursors WHERE category = ? AND source = ?');
  const insertRange = db.prepare(
    `INSERT INTO ranges (entry_no, category, source, from_position, from_check, to_position, to_check)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectRanges = db.prepare(
    'SELECT category, source, from_position, from_check FROM ranges WHERE entry_no = ?',
  );
  const cursorOf = (category: Category, source: string): Cursor | undefined => {
    const row = select.get(category, source);
    return row === undefined ? undefined : toCursor(row['position'], row['check_text']);
  };
  const write = (category: Category, source: string, to: Cursor | undefined): void => {
    if (to === undefined) remove.run(category, source);
    else upsert.run(category, source, to.position, to.check);
  };
  const rewindTo = (category: Category, source: string, from: Cursor | undefined): void =>
    write(category, source, lowerCursor(cursorOf(category, source), from));
  return {
    cursorOf,
    rewindTo,
    rewindAll: () => {
      db.exec('DELETE FROM cursors');
    },
    advance: (entryNo, moves) => {
      for (const { category, cursors, found } of moves)
        for (const { source, from, to } of cursors) {
          const isUnchanged =
            found === undefined || isSameCursor(cursorOf(category, source), found.get(source));
          const end = isUnchanged ? to : undefined;
          insertRange.run(
            entryNo,
            category,
            source,
            from?.position ?? null,
            from?.check ?? null,
            end?.position ?? null,
            end?.check ?? null,
          );
          if (end !== undefined) write(category, source, end);
        }
    },
    rewindRanges: (entryNo) => {
      for (const row of selectRanges.all(entryNo)) {
        // The column is TEXT in a STRICT table, and only this module writes categories.
        const category = row['category'] as Category;
        const source = row['source'] as string;
        rewindTo(category, source, toCursor(row['from_position'], row['from_check']));
      }
    },
  };
}

function isSameCursor(left: Cursor | undefined, right: Cursor | undefined): boolean {
  return left?.position === right?.position && left?.check === right?.check;
}

/** Builds a cursor from an INTEGER and a TEXT column of a STRICT table. Returns undefined for null. */
export function toCursor(position: unknown, check: unknown): Cursor | undefined {
  return position === null || check === null
    ? undefined
    : { position: position as number, check: check as string };
}
