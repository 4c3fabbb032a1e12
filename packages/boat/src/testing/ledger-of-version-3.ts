import { LEDGER_STEPS } from '../ledger/schema.ts';
import type { LedgerDatabase } from '../platform/ports.ts';

/** The version of the schema whose entries kept their ranges in a table of their own. */
const VERSION = 3;

/**
 * Fills an empty database with what a boat of that version left behind: entry 1 was delivered and removed, 2 was
 * delivered in two parts, 3 failed, 4 waits with one of its parts acknowledged, 5 was the newest and was removed.
 */
export function writeLedgerOfVersion3(database: LedgerDatabase): void {
  const { db } = database;
  for (const step of LEDGER_STEPS.slice(0, VERSION)) database.transaction(() => db.exec(step));
  database.transaction(() => {
    for (const n of [1, 2, 3, 4, 5]) insertEntry(database, n);
    db.exec(`
      INSERT INTO facts VALUES ('ledger_id', '00112233445566ff'), ('next_sequence', '6');
      INSERT INTO cursors VALUES ('boatlog', 'main', 50, 'row 50');
      INSERT INTO digests VALUES ('settings', 'settings', 'd3', 3), ('system_alerts', 'a', 'd4', 4);
      INSERT INTO parts VALUES
        (2, 1, '[]', '{"n":1}', 21), (2, 2, '[]', '{"n":2}', 22), (4, 1, '[]', '{"n":1}', 41), (4, 2, '[]', NULL, NULL);
      INSERT INTO history (queue_id, export_id, export_file, export_type, tier, category_count, record_count,
          file_size_bytes, wire_size_bytes, created_at_ms, completed_at_ms, retry_count, records_imported,
          rejected_records, receipt)
        SELECT queue_id, export_id, export_file, export_type, tier, category_count, record_count, file_size_bytes, 10,
          created_at_ms, 20, 0, '{"boatlog":10}', '[]', '{}' FROM entries WHERE entry_no IN (1, 2);
      INSERT INTO wire_months VALUES ('1970-01', 70);
      INSERT INTO slots VALUES ('2026-03-29', 1, 'q_20260220_100502');
      UPDATE entries SET status = 'completed', completed_at_ms = 20 WHERE entry_no IN (1, 2);
      UPDATE entries SET status = 'failed', failed_at_ms = 30, last_error = 'no',
        export_file = '/x/failed/q_20260220_100503_failed.json' WHERE entry_no = 3;
      UPDATE entries SET status = 'failed' WHERE entry_no = 5;
      UPDATE entries SET part_size_bytes = 100, wire_size_bytes = 60, retry_count = 1 WHERE entry_no = 4;
      DELETE FROM entries WHERE entry_no IN (1, 5);
      PRAGMA user_version = ${VERSION};
    `);
  });
}

/** Each one carried ten rows of the boatlog. */
function insertEntry({ db }: LedgerDatabase, n: number): void {
  db.prepare(
    `INSERT INTO entries (queue_id, export_id, export_file, export_type, trigger_kind, tier, sequence, category_count,
       record_count, categories, file_size_bytes, created_at_ms, status, next_retry_at_ms)
     VALUES (?, ?, ?, 'incremental', 'scheduled', 2, ?, 9, 10, '{"boatlog":{"state":"ok","count":10}}', 1000, ?, 'pending', ?)`,
  ).run(
    `q_20260220_10050${n}`,
    `exp_${n}`,
    `/x/exports/export_20260220_10050${n}.json`,
    n,
    1_000 * n,
    1_000 * n,
  );
  const from = 10 * (n - 1);
  db.prepare("INSERT INTO ranges VALUES (?, 'boatlog', 'main', ?, ?, ?, ?)").run(
    n,
    n === 1 ? null : from,
    n === 1 ? null : `row ${from}`,
    from + 10,
    `row ${from + 10}`,
  );
}
