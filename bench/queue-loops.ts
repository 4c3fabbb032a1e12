import { DatabaseSync } from 'node:sqlite';
import type { Receipt } from '@d3kos/protocol';
import type { CategoryMoves, NewEntry } from '../packages/boat/src/ledger/entry.ts';
import { openLedger } from '../packages/boat/src/ledger/ledger.ts';
import { toStamp } from '../packages/boat/src/ledger/labels.ts';
import type { WallMs } from '../packages/boat/src/platform/ports.ts';
import { LEDGER_CHECKPOINT_PAGES, openLedgerDatabase } from '../packages/boat/src/platform/sqlite.ts';

/** Creation time of the generated entries. */
// The benchmark has no clock, so a constant replaces the branded value.
const AT_MS = Date.UTC(2026, 2, 16) as WallMs;

/** A queue of constant depth. Each cycle adds an entry and delivers the oldest one. */
export interface QueueLoop {
  turn(cycles: number): void;
  /** Number of commits since the queue was filled. */
  commits(): number;
  close(): void;
}

/** Runs full durable cycles on the boat's ledger. */
export function createLedgerLoop(path: string, depth: number): QueueLoop {
  let commits = 0;
  const database = openLedgerDatabase(path, (step) => {
    if (step === 'committed') commits += 1;
  });
  const { queue, close } = openLedger(database, () => '00112233445566ff');
  let made = 0;
  const enqueue = (): void => {
    made += 1;
    queue.enqueue(toNewEntry(made), toMoves(made));
  };
  for (let filled = 0; filled < depth; filled += 1) enqueue();
  commits = 0;
  return {
    turn(cycles) {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        enqueue();
        const entry = queue.claim(({ nextRetryAtMs }) => nextRetryAtMs <= AT_MS);
        if (entry === undefined) throw new Error('no entry was claimed from a filled queue');
        queue.complete(entry.entryNo, {
          partIndex: 1,
          receipt: toReceipt(entry.exportId),
          atMs: AT_MS,
          wireSizeBytes: 1_000,
        });
      }
    },
    commits: () => commits,
    close,
  };
}

/**
 * Measures the limit set by the disk and SQLite, with the same number of commits, the same pragmas and the same strings on one
 * table. The first commit of a cycle inserts an entry with its ranges. Then the oldest waiting row is read, as in a claim. The
 * other commits replace that row with its receipt.
 */
export function createBareLoop(path: string, depth: number, commitsPerCycle: number): QueueLoop {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL');
  db.exec(`PRAGMA wal_autocheckpoint = ${LEDGER_CHECKPOINT_PAGES}`);
  db.exec(
    'CREATE TABLE entries (entry_no INTEGER PRIMARY KEY, status TEXT NOT NULL, body TEXT NOT NULL) STRICT',
  );
  const insert = db.prepare("INSERT INTO entries (status, body) VALUES ('pending', ?)");
  const claim = db.prepare(
    "SELECT entry_no, body FROM entries WHERE entry_no >= ? AND status = 'pending' ORDER BY entry_no LIMIT 1",
  );
  const update = db.prepare('UPDATE entries SET status = ?, body = ? WHERE entry_no = ?');
  let commits = 0;
  let made = 0;
  const inTransaction = (work: () => void): void => {
    db.exec('BEGIN IMMEDIATE');
    work();
    db.exec('COMMIT');
    commits += 1;
  };
  const add = (): void => {
    made += 1;
    insert.run(JSON.stringify({ ...toNewEntry(made), moves: toMoves(made) }));
  };
  for (let filled = 0; filled < depth; filled += 1) inTransaction(add);
  commits = 0;
  return {
    turn(cycles) {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        inTransaction(add);
        const row = claim.get(made - depth);
        // STRICT columns, written by `add`.
        const entryNo = row?.['entry_no'] as number;
        const { exportId } = JSON.parse(row?.['body'] as string) as NewEntry;
        for (let more = 1; more < commitsPerCycle; more += 1)
          inTransaction(() => void update.run('completed', JSON.stringify(toReceipt(exportId)), entryNo));
      }
    },
    commits: () => commits,
    close: () => db.close(),
  };
}

function toNewEntry(n: number): NewEntry {
  // One entry per second, so that names and entries have the same order, as on a boat.
  const name = toStamp(AT_MS + 1_000 * n);
  return {
    queueId: `q_${name}`,
    exportId: `exp_${n.toString(16).padStart(32, '0')}`,
    exportFile: `/opt/d3kos/data/exports/exports/export_${name}.json`,
    exportType: 'incremental',
    trigger: 'scheduled',
    tier: 2,
    sequence: n,
    categoryCount: 9,
    recordCount: 103,
    categories: { boatlog: { state: 'ok', count: 100 }, telemetry: { state: 'ok', count: 1 } },
    fileSizeBytes: 40_000,
    createdAtMs: AT_MS,
  };
}

/** The cursor movement of a daily export with new rows in one log. */
function toMoves(n: number): readonly CategoryMoves[] {
  const cursor = (position: number) => ({ position, check: `check of row ${position}` });
  return [
    {
      category: 'boatlog',
      cursors: [{ source: 'data/boatlog/boatlog.db', from: cursor(100 * (n - 1)), to: cursor(100 * n) }],
      digests: [],
    },
  ];
}

function toReceipt(exportId: string): Receipt {
  return {
    status: 'success',
    import_id: `import_${exportId.slice(4, 20)}`,
    export_id: exportId,
    part: { index: 1, count: 1 },
    sha256: 'a'.repeat(64),
    records_imported: { boatlog: 100, telemetry: 1 },
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-03-16T14:03:06Z',
  };
}
