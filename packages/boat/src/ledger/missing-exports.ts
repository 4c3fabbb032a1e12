import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Parts } from './parts.ts';
import { isReportDue } from './policy.ts';
import type { RemovedExports } from './removed-exports.ts';

/**
 * Sequences of delivered exports that central reported as missing, in ascending order, grouped by what the boat did about them.
 */
export interface HandledReport {
  /** Requeued under their old keys. */
  readonly requeued: readonly number[];
  /** Exports without a file. Their ranges were rewound, so the next export contains their records. */
  readonly rewound: readonly number[];
}

/** Number of times that central reported a delivered export as missing. */
export interface MissingTotals {
  readonly requeued: number;
  readonly rewound: number;
  /** Undefined if central has never reported one. */
  readonly lastReportedAtMs: WallMs | undefined;
}

/**
 * The exports that central has lost after acknowledging them (decision 0044). Every operation takes at most one pass over the
 * entries, whatever central sends.
 */
export interface MissingExports {
  /**
   * Inside the transaction that stores a part's receipt: handles the list in that answer. Only sequences lower than that of the
   * part are considered. An export that is waiting, was never created or was requeued within a day is not changed.
   * docs/spec/protocol.md R88, R89, R90, R91.
   */
  handle(report: {
    readonly sequence: number;
    readonly missing: readonly number[];
    readonly atMs: WallMs;
  }): HandledReport;
  /**
   * Sequences that central lacks and that will never arrive, in ascending order. Their ranges were rewound, or later exports
   * contained their records. Once a document has withdrawn them, central stops listing them.
   */
  lapsed(limit: number): readonly number[];
  totals(): MissingTotals;
}

const NOTHING: HandledReport = { requeued: [], rewound: [] };

export function createMissingExports(
  { db }: LedgerDatabase,
  parts: Parts,
  removed: RemovedExports,
): MissingExports {
  const selectEntries = db.prepare(
    `SELECT entry_no, sequence, status, requeued_at_ms FROM entries
     WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence`,
  );
  const lapse = db.prepare('INSERT INTO lapsed_sequences (sequence) VALUES (?) ON CONFLICT DO NOTHING');
  // Central may have truncated its list, so the list proves nothing about sequences after the last one.
  const clearLapsed = db.prepare(
    `DELETE FROM lapsed_sequences
     WHERE sequence <= ?2 AND sequence NOT IN (SELECT value FROM json_each(?1))`,
  );
  const selectLapsed = db.prepare('SELECT sequence FROM lapsed_sequences ORDER BY sequence LIMIT ?');
  const addTotals = db.prepare(
    'UPDATE missing_totals SET requeued = requeued + ?, rewound = rewound + ?, last_reported_at_ms = ?',
  );
  const selectTotals = db.prepare('SELECT requeued, rewound, last_reported_at_ms FROM missing_totals');
  const requeue = createRequeue(db, parts);
  return {
    handle: ({ sequence, missing, atMs }) => {
      const named = missing.filter((other) => other < sequence).sort((a, b) => a - b);
      const json = JSON.stringify(named);
      clearLapsed.run(json, named.at(-1) ?? sequence);
      if (named.length === 0) return NOTHING;
      const entries = new Map(
        selectEntries.all(json).map((row) => [row['sequence'] as number, toNamed(row)]),
      );
      const requeued: number[] = [];
      const rewound: number[] = [];
      for (const other of named) {
        const entry = entries.get(other);
        if (entry === undefined) {
          if (removed.has(other)) rewound.push(other);
          lapse.run(other);
        } else if (entry.isDelivered && isReportDue(entry.requeuedAtMs, atMs)) {
          requeue(entry.entryNo, atMs);
          requeued.push(other);
        }
      }
      const [lowest] = rewound;
      if (lowest !== undefined) removed.rewindFrom(lowest);
      if (requeued.length + rewound.length > 0) addTotals.run(requeued.length, rewound.length, atMs);
      return { requeued, rewound };
    },
    // The columns are INTEGER in STRICT tables, and `missing_totals` has one row.
    lapsed: (limit) => selectLapsed.all(limit).map((row) => row['sequence'] as number),
    totals: () => {
      const row = selectTotals.get() ?? {};
      return {
        requeued: row['requeued'] as number,
        rewound: row['rewound'] as number,
        lastReportedAtMs: (row['last_reported_at_ms'] as WallMs | null) ?? undefined,
      };
    },
  };
}

interface NamedEntry {
  readonly entryNo: number;
  readonly isDelivered: boolean;
  readonly requeuedAtMs: WallMs | undefined;
}

function toNamed(row: Readonly<Record<string, unknown>>): NamedEntry {
  // The columns are INTEGER and TEXT in a STRICT table.
  return {
    entryNo: row['entry_no'] as number,
    isDelivered: row['status'] === 'completed',
    requeuedAtMs: (row['requeued_at_ms'] as WallMs | null) ?? undefined,
  };
}

/**
 * Creates a function that requeues a delivered export. The export's parts keep their slices and indexes, because a key must
 * always identify the same bytes (docs/spec/protocol.md R17). For the same reason, an export that was sent as one part is sent as
 * one part again, even if the part size has changed. If it has several parts, central may hold some of them, so the boat queries
 * them first, as it does after an offline bundle.
 */
function createRequeue(db: LedgerDatabase['db'], parts: Parts): (entryNo: number, atMs: WallMs) => void {
  const setPending = db.prepare(
    `UPDATE entries SET status = 'pending', retry_count = 0, refusal_count = 0, next_retry_at_ms = ?1, completed_at_ms = NULL,
       last_error = 'Central no longer holds this export', requeued_at_ms = ?1,
       part_size_bytes = coalesce(part_size_bytes, file_size_bytes)
     WHERE entry_no = ?2 AND status = 'completed'`,
  );
  const markHeld = db.prepare(
    `INSERT INTO bundled_exports (export_id)
     SELECT export_id FROM entries WHERE entry_no = ? AND EXISTS (SELECT 1 FROM parts WHERE parts.entry_no = entries.entry_no)
     ON CONFLICT DO NOTHING`,
  );
  return (entryNo, atMs) => {
    setPending.run(atMs, entryNo);
    parts.reopen(entryNo);
    markHeld.run(entryNo);
  };
}
