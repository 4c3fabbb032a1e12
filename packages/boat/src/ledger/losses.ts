import type { LedgerDatabase, WallMs } from '../platform/ports.ts';

/** A loss: bytes that were dropped before central confirmed them. */
export interface Loss {
  readonly atMs: WallMs;
  readonly what: string;
  readonly sizeBytes: number;
  readonly reason: string;
}

/** The recorded losses. A loss is removed only if its cause has been undone. */
export interface Losses {
  /** Records a loss and returns its number. Must be called inside a transaction. */
  insert(loss: Loss): number;
  /**
   * Adds the bytes to the loss with the same `what` and `reason`, so that a repeated loss takes only one row. Must be called
   * inside a transaction.
   */
  add(loss: Loss): void;
  /** Removes a loss whose bytes were not dropped. Must be called inside a transaction. */
  remove(lossNo: number): void;
  /** Oldest first. */
  list(): readonly Loss[];
}

export function createLosses({ db }: LedgerDatabase): Losses {
  const insert = db.prepare('INSERT INTO losses (at_ms, what, size_bytes, reason) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM losses WHERE loss_no = ?');
  const select = db.prepare('SELECT at_ms, what, size_bytes, reason FROM losses ORDER BY loss_no');
  const extend = db.prepare(
    'UPDATE losses SET at_ms = ?, size_bytes = size_bytes + ? WHERE what = ? AND reason = ?',
  );
  return {
    add: ({ atMs, what, sizeBytes, reason }) => {
      if (extend.run(atMs, sizeBytes, what, reason).changes === 0) insert.run(atMs, what, sizeBytes, reason);
    },
    insert: ({ atMs, what, sizeBytes, reason }) =>
      Number(insert.run(atMs, what, sizeBytes, reason).lastInsertRowid),
    remove: (lossNo) => {
      remove.run(lossNo);
    },
    list: () =>
      select.all().map((row) => ({
        // The table is STRICT.
        atMs: row['at_ms'] as WallMs,
        what: row['what'] as string,
        sizeBytes: row['size_bytes'] as number,
        reason: row['reason'] as string,
      })),
  };
}
