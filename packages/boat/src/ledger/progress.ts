import type { Category } from '@d3kos/protocol';
import type { Cursor } from '../collect/cursor.ts';
import type { LedgerDatabase } from '../platform/ports.ts';
import { createDigests, type Digests } from './digests.ts';
import type { CategoryMoves } from './entry.ts';
import type { Facts } from './facts.ts';
import { lowerCursor } from './policy.ts';

/** A range an entry answers for, as its row keeps it. `to` undefined: its cursor did not move with it. */
export interface Range {
  readonly category: Category;
  readonly source: string;
  readonly from: Cursor | undefined;
  readonly to: Cursor | undefined;
}

/**
 * How far each category is exported: the cursors of logs and the digests of state records. A cursor is where the newest
 * entry that moved it left it: the table holds the cursors as they were when `keep` was last called, the entries after
 * that the rest. An entry and its cursors are so one row, and one page less in its commit.
 */
export interface Progress {
  cursorOf(category: Category, source: string): Cursor | undefined;
  /** The digests of state records. */
  readonly digests: Digests;
  digestOf: Digests['digestOf'];
  /** The number of the newest entry whose moves the table of cursors holds; entries up to it may be gone. */
  keptThrough(): number;
  /** The ranges an export with these moves answers for. Cursors that were given back since the collection found them stay. */
  toRanges(moves: readonly CategoryMoves[]): readonly Range[];
  /**
   * Inside the transaction that enqueues `entryNo`: the digests become its, and those that were written ahead for it
   * count, where `wasAhead` says that some were. `digests.committed` follows its commit then.
   */
  advanceDigests(entryNo: number, moves: readonly CategoryMoves[], wasAhead: WasAhead): void;
  /** An entry with these ranges is committed. */
  advanced(ranges: readonly Range[]): void;
  /** Inside a transaction that removes entries, `newestNo` being the number of the newest there ever was: their moves stay. */
  keep(newestNo: number): void;
  /**
   * Inside the transaction that fails `entryNo`: its ranges are due again. Cursors go back to where its ranges began
   * (never forward), and state records last exported by it count as never exported. `reload` follows its commit.
   */
  giveBack(entryNo: number, ranges: readonly Range[], newestNo: number): void;
  /** Takes from the ledger where the cursors are, and which digests count. */
  reload(): void;
}

/** Whether digests were written ahead for an entry. */
export type WasAhead = 'with_ahead' | 'all_now';

/** The fact behind `keptThrough`. */
const KEPT_THROUGH = 'cursors_through';

export function createProgress(ledger: LedgerDatabase, facts: Facts): Progress {
  const { db } = ledger;
  const digests = createDigests(ledger);
  const selectCursors = db.prepare('SELECT category, source, position, check_text FROM cursors');
  const upsertCursor = db.prepare(
    `INSERT INTO cursors (category, source, position, check_text) VALUES (?, ?, ?, ?)
     ON CONFLICT (category, source) DO UPDATE SET position = excluded.position, check_text = excluded.check_text`,
  );
  const deleteCursor = db.prepare('DELETE FROM cursors WHERE category = ? AND source = ?');
  const selectLaterRanges = db.prepare('SELECT ranges FROM entries WHERE entry_no > ? ORDER BY entry_no');

  let cursors = new Map<string, Move>();
  const keptThrough = (): number => Number(facts.get(KEPT_THROUGH) ?? '0');
  const cursorOf = (category: Category, source: string): Cursor | undefined =>
    cursors.get(toKey(category, source))?.to;
  const follow = (ranges: readonly Range[]): void => {
    for (const { category, source, to } of ranges)
      if (to !== undefined) cursors.set(toKey(category, source), { category, source, to });
  };
  const keep = (newestNo: number): void => {
    if (keptThrough() === newestNo) return;
    for (const { category, source, to } of cursors.values())
      upsertCursor.run(category, source, to.position, to.check);
    facts.set(KEPT_THROUGH, String(newestNo));
  };
  const reload = (): void => {
    cursors = new Map();
    for (const row of selectCursors.all()) {
      // The columns are STRICT INTEGER and TEXT; categories are written here only.
      const category = row['category'] as Category;
      const source = row['source'] as string;
      const to = { position: row['position'] as number, check: row['check_text'] as string };
      follow([{ category, source, from: undefined, to }]);
    }
    for (const row of selectLaterRanges.iterate(keptThrough())) follow(parseRanges(row['ranges'] as string));
  };
  reload();

  return {
    cursorOf,
    digests,
    digestOf: digests.digestOf,
    keptThrough,
    toRanges: (moves) =>
      moves.flatMap(({ category, cursors: moved, found }) =>
        moved.map(({ source, from, to }) => {
          const isStill = found === undefined || isSameCursor(cursorOf(category, source), found.get(source));
          return { category, source, from, to: isStill ? to : undefined };
        }),
      ),
    advanceDigests: (entryNo, moves, wasAhead) => {
      if (wasAhead === 'with_ahead') digests.promoteDigests(entryNo);
      for (const { category, digests: carried } of moves) digests.write(entryNo, category, carried);
    },
    advanced: follow,
    keep,
    giveBack: (entryNo, ranges, newestNo) => {
      keep(newestNo);
      for (const { category, source, from } of ranges) {
        const lower = lowerCursor(cursorOf(category, source), from);
        if (lower === undefined) deleteCursor.run(category, source);
        else upsertCursor.run(category, source, lower.position, lower.check);
      }
      digests.giveBack(entryNo);
    },
    reload: () => {
      reload();
      digests.reload();
    },
  };
}

interface Move {
  readonly category: Category;
  readonly source: string;
  readonly to: Cursor;
}

function toKey(category: Category, source: string): string {
  return `${category} ${source}`;
}

function isSameCursor(left: Cursor | undefined, right: Cursor | undefined): boolean {
  return left?.position === right?.position && left?.check === right?.check;
}

type RangeColumns = readonly [
  category: Category,
  source: string,
  fromPosition: number | null,
  fromCheck: string | null,
  toPosition: number | null,
  toCheck: string | null,
];

/** What `entries.ranges` holds. */
export function printRanges(ranges: readonly Range[]): string {
  return JSON.stringify(
    ranges.map(({ category, source, from, to }): RangeColumns => [
      category,
      source,
      from?.position ?? null,
      from?.check ?? null,
      to?.position ?? null,
      to?.check ?? null,
    ]),
  );
}

/** The ranges of a row, written by `printRanges` or by the step of the schema that made the column. */
export function parseRanges(text: string): readonly Range[] {
  return (JSON.parse(text) as readonly RangeColumns[]).map(
    ([category, source, fromPosition, fromCheck, toPosition, toCheck]) => ({
      category,
      source,
      from: toCursor(fromPosition, fromCheck),
      to: toCursor(toPosition, toCheck),
    }),
  );
}

function toCursor(position: number | null, check: string | null): Cursor | undefined {
  return position === null || check === null ? undefined : { position, check };
}
