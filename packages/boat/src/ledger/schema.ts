import { LATER_STEPS } from './schema-later.ts';

/**
 * The ledger's tables. Step n, run in one transaction, upgrades the ledger to version n, which is stored in `PRAGMA
 * user_version`. Never edit a step that has shipped.
 */
export const LEDGER_STEPS: readonly string[] = [
  `
  CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One row per export. entry_no is the order of arrival, which does not depend on the clock.
  CREATE TABLE entries (
    entry_no         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id         TEXT NOT NULL UNIQUE,
    export_id        TEXT NOT NULL UNIQUE,
    export_file      TEXT NOT NULL,
    export_type      TEXT NOT NULL,
    trigger_kind     TEXT NOT NULL,
    tier             INTEGER NOT NULL,
    sequence         INTEGER NOT NULL,
    category_count   INTEGER NOT NULL,
    record_count     INTEGER NOT NULL,
    categories       TEXT NOT NULL,
    file_size_bytes  INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('pending', 'uploading', 'completed', 'failed')),
    retry_count      INTEGER NOT NULL DEFAULT 0,
    next_retry_at_ms INTEGER NOT NULL,
    last_error       TEXT,
    part_size_bytes  INTEGER,
    wire_size_bytes  INTEGER NOT NULL DEFAULT 0,
    completed_at_ms  INTEGER,
    failed_at_ms     INTEGER
  ) STRICT;
  -- Only waiting entries are searched for often. Without an index on every status, a change of status writes one page less.
  CREATE INDEX entries_pending ON entries (entry_no) WHERE status = 'pending';
  CREATE INDEX entries_by_file ON entries (export_file);

  -- The parts of an export that is being delivered. Slices are byte ranges of its file.
  CREATE TABLE parts (
    entry_no           INTEGER NOT NULL REFERENCES entries (entry_no) ON DELETE CASCADE,
    part_index         INTEGER NOT NULL,
    slices             TEXT NOT NULL,
    receipt            TEXT,
    acknowledged_at_ms INTEGER,
    PRIMARY KEY (entry_no, part_index)
  ) STRICT, WITHOUT ROWID;

  -- The position up to which each log source has been exported, and the ranges that each export covers.
  CREATE TABLE cursors (
    category   TEXT NOT NULL,
    source     TEXT NOT NULL,
    position   INTEGER NOT NULL,
    check_text TEXT NOT NULL,
    PRIMARY KEY (category, source)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ranges (
    entry_no      INTEGER NOT NULL REFERENCES entries (entry_no) ON DELETE CASCADE,
    category      TEXT NOT NULL,
    source        TEXT NOT NULL,
    from_position INTEGER,
    from_check    TEXT,
    to_position   INTEGER NOT NULL,
    to_check      TEXT NOT NULL,
    PRIMARY KEY (entry_no, category, source)
  ) STRICT, WITHOUT ROWID;

  -- The digest with which each state record was last exported, and the export that contained it.
  CREATE TABLE digests (
    category  TEXT NOT NULL,
    record_id TEXT NOT NULL,
    digest    TEXT NOT NULL,
    entry_no  INTEGER NOT NULL,
    PRIMARY KEY (category, record_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX digests_by_entry ON digests (entry_no);

  -- The delivered exports. They are kept after the entry and its file have been removed.
  CREATE TABLE history (
    history_no       INTEGER PRIMARY KEY,
    queue_id         TEXT NOT NULL,
    export_id        TEXT NOT NULL,
    export_file      TEXT NOT NULL,
    export_type      TEXT NOT NULL,
    tier             INTEGER NOT NULL,
    category_count   INTEGER NOT NULL,
    record_count     INTEGER NOT NULL,
    file_size_bytes  INTEGER NOT NULL,
    wire_size_bytes  INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL,
    completed_at_ms  INTEGER NOT NULL,
    retry_count      INTEGER NOT NULL,
    last_error       TEXT,
    records_imported TEXT NOT NULL,
    rejected_records TEXT NOT NULL,
    -- Central's proof for the last part; the others' are in parts.
    receipt          TEXT NOT NULL
  ) STRICT;

  -- All data that was dropped before central confirmed it.
  CREATE TABLE losses (
    loss_no    INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    what       TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    reason     TEXT NOT NULL
  ) STRICT;

  -- The claimed daily slots. If the timer fires twice, only one export is created.
  CREATE TABLE slots (
    slot_id       TEXT PRIMARY KEY,
    claimed_at_ms INTEGER NOT NULL,
    queue_id      TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The texts from the localStorage of kiosk pages, by their keys.
  CREATE TABLE browser_documents (
    key            TEXT PRIMARY KEY,
    text           TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Size of the request bodies sent in each calendar month, for the owner's data budget.
  CREATE TABLE wire_months (
    month      TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- For each tree that a commit changes, it writes and syncs at least one page. Therefore an entry keeps its ranges in its own
  -- row, and only columns that are searched at every export have an index.
  CREATE TABLE slim_entries (
    entry_no         INTEGER PRIMARY KEY,
    queue_id         TEXT NOT NULL UNIQUE,
    export_id        TEXT NOT NULL,
    export_file      TEXT NOT NULL,
    -- The file again where its name does not tell the queue id.
    odd_file         TEXT,
    export_type      TEXT NOT NULL,
    trigger_kind     TEXT NOT NULL,
    tier             INTEGER NOT NULL,
    sequence         INTEGER NOT NULL,
    category_count   INTEGER NOT NULL,
    record_count     INTEGER NOT NULL,
    categories       TEXT NOT NULL,
    -- [category, source, from_position, from_check, to_position, to_check] of each range it answers for; no end where
    -- its cursor did not move.
    ranges           TEXT NOT NULL,
    file_size_bytes  INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('pending', 'uploading', 'completed', 'failed')),
    retry_count      INTEGER NOT NULL DEFAULT 0,
    next_retry_at_ms INTEGER NOT NULL,
    last_error       TEXT,
    part_size_bytes  INTEGER,
    wire_size_bytes  INTEGER NOT NULL DEFAULT 0,
    completed_at_ms  INTEGER,
    failed_at_ms     INTEGER
  ) STRICT;
  INSERT INTO slim_entries
    SELECT entry_no, queue_id, export_id, export_file, export_file, export_type, trigger_kind, tier, sequence,
      category_count, record_count, categories,
      (SELECT json_group_array(json_array(category, source, from_position, from_check, to_position, to_check))
        FROM ranges WHERE ranges.entry_no = entries.entry_no),
      file_size_bytes, created_at_ms, status, retry_count, next_retry_at_ms, last_error, part_size_bytes,
      wire_size_bytes, completed_at_ms, failed_at_ms
    FROM entries ORDER BY entry_no;
  CREATE TABLE slim_parts (
    entry_no           INTEGER NOT NULL REFERENCES slim_entries (entry_no) ON DELETE CASCADE,
    part_index         INTEGER NOT NULL,
    slices             TEXT NOT NULL,
    receipt            TEXT,
    acknowledged_at_ms INTEGER,
    PRIMARY KEY (entry_no, part_index)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO slim_parts SELECT * FROM parts;
  -- The cursors include the ranges of all entries so far, even of those that were removed.
  INSERT INTO facts SELECT 'cursors_through', CAST(seq AS TEXT) FROM sqlite_sequence WHERE name = 'entries';
  -- Drop the child tables first, because dropping the parent table would delete their rows.
  DROP TABLE ranges;
  DROP TABLE parts;
  DROP TABLE entries;
  ALTER TABLE slim_entries RENAME TO entries;
  ALTER TABLE slim_parts RENAME TO parts;
  -- Bytes sent in the month of the completion, including those of this export.
  ALTER TABLE history ADD COLUMN month_bytes INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX entries_by_odd_file ON entries (odd_file) WHERE odd_file IS NOT NULL;
  `,
  `
  -- Digests of a large export are staged in many small commits before its entry is inserted. Therefore a record can have several
  -- rows, one for each entry that may become the last one to contain it.
  CREATE TABLE versioned_digests (
    category  TEXT NOT NULL,
    record_id TEXT NOT NULL,
    entry_no  INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    PRIMARY KEY (category, record_id, entry_no)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO versioned_digests SELECT category, record_id, entry_no, digest FROM digests;
  DROP TABLE digests;
  ALTER TABLE versioned_digests RENAME TO digests;
  CREATE INDEX digests_by_entry ON digests (entry_no);
  -- Entries whose digests are not valid: staged for an entry that is not committed ('ahead'), or rewound ('given_back').
  CREATE TABLE unsettled_digests (
    entry_no INTEGER PRIMARY KEY,
    what     TEXT NOT NULL CHECK (what IN ('ahead', 'given_back'))
  ) STRICT;
  `,
  `
  -- Counters, cursors, months, ranges and marks are up to date in the database after every commit, so the daemon keeps no copy of
  -- them in memory.

  -- One row. entry_no and sequence are the highest numbers assigned so far. The others count the entries by status.
  CREATE TABLE counters (
    entry_no  INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    pending   INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed    INTEGER NOT NULL
  ) STRICT;
  UPDATE entries SET status = 'pending' WHERE status = 'uploading';
  INSERT INTO counters
    SELECT
      max(
        coalesce((SELECT max(entry_no) FROM entries), 0),
        coalesce((SELECT max(entry_no) FROM unsettled_digests), 0),
        coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'cursors_through'), 0)),
      max(
        coalesce((SELECT max(sequence) FROM entries), 0),
        coalesce((SELECT CAST(value AS INTEGER) - 1 FROM facts WHERE name = 'next_sequence'), 0)),
      (SELECT count(*) FROM entries WHERE status = 'pending'),
      (SELECT count(*) FROM entries WHERE status = 'completed'),
      (SELECT count(*) FROM entries WHERE status = 'failed');

  -- The ranges that an entry covers. A range has no end if the entry did not move the cursor of its source.
  CREATE TABLE ranges (
    entry_no      INTEGER NOT NULL REFERENCES entries (entry_no) ON DELETE CASCADE,
    category      TEXT NOT NULL,
    source        TEXT NOT NULL,
    from_position INTEGER,
    from_check    TEXT,
    to_position   INTEGER,
    to_check      TEXT,
    PRIMARY KEY (entry_no, category, source)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO ranges
    SELECT entry_no, range.value ->> 0, range.value ->> 1, range.value ->> 2, range.value ->> 3, range.value ->> 4,
      range.value ->> 5
    FROM entries, json_each(entries.ranges) AS range;
  INSERT INTO cursors (category, source, position, check_text)
    SELECT category, source, to_position, to_check FROM ranges
    WHERE to_position IS NOT NULL
      AND entry_no > coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'cursors_through'), 0)
    ORDER BY entry_no
    ON CONFLICT (category, source) DO UPDATE SET position = excluded.position, check_text = excluded.check_text;

  -- The month of the newest delivered export is the only one whose sum was not in wire_months.
  INSERT INTO wire_months (month, size_bytes)
    SELECT strftime('%Y-%m', completed_at_ms / 1000, 'unixepoch'), month_bytes FROM history
    WHERE history_no = (SELECT max(history_no) FROM history)
    ON CONFLICT (month) DO UPDATE SET size_bytes = max(size_bytes, excluded.size_bytes);
  ALTER TABLE history DROP COLUMN month_bytes;

  -- Exports that are in an offline bundle, so that they may reach central on a USB drive.
  CREATE TABLE bundled_exports (
    export_id TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bundled_exports
    SELECT DISTINCT mark.value
    FROM facts, json_each('["' || replace(facts.value, ' ', '","') || '"]') AS mark
    WHERE facts.name = 'bundled_exports' AND mark.value <> '';

  -- Entries whose digests are not valid: staged for an entry that is not committed, or rewound because the entry failed.
  CREATE TABLE digest_states (
    entry_no INTEGER PRIMARY KEY,
    state    TEXT NOT NULL CHECK (state IN ('staged', 'rewound'))
  ) STRICT;
  INSERT INTO digest_states SELECT entry_no, iif(what = 'ahead', 'staged', 'rewound') FROM unsettled_digests;
  DROP TABLE unsettled_digests;
  DELETE FROM facts WHERE name IN ('cursors_through', 'next_sequence', 'bundled_exports');

  -- The loss that was recorded when the removal of a failed export began.
  ALTER TABLE entries ADD COLUMN removal_loss_no INTEGER;
  UPDATE entries SET removal_loss_no =
      (SELECT max(loss_no) FROM losses WHERE what = entries.export_file AND size_bytes = entries.file_size_bytes)
    WHERE status = 'failed';
  DROP INDEX entries_by_odd_file;
  ALTER TABLE entries DROP COLUMN odd_file;
  ALTER TABLE entries DROP COLUMN ranges;
  CREATE INDEX entries_by_file ON entries (export_file);
  -- The delivery worker reads only waiting entries, no matter how many delivered ones there are.
  CREATE INDEX entries_pending ON entries (entry_no) WHERE status = 'pending';
  CREATE INDEX entries_pending_foreign ON entries (entry_no) WHERE status = 'pending' AND sequence = 0;

  -- Triggers ensure that every change of a status is counted.
  CREATE TRIGGER entries_count_insert AFTER INSERT ON entries BEGIN
    UPDATE counters SET
      pending = pending + (new.status = 'pending'),
      completed = completed + (new.status = 'completed'),
      failed = failed + (new.status = 'failed');
  END;
  CREATE TRIGGER entries_count_update AFTER UPDATE OF status ON entries BEGIN
    UPDATE counters SET
      pending = pending + (new.status = 'pending') - (old.status = 'pending'),
      completed = completed + (new.status = 'completed') - (old.status = 'completed'),
      failed = failed + (new.status = 'failed') - (old.status = 'failed');
  END;
  CREATE TRIGGER entries_count_delete AFTER DELETE ON entries BEGIN
    UPDATE counters SET
      pending = pending - (old.status = 'pending'),
      completed = completed - (old.status = 'completed'),
      failed = failed - (old.status = 'failed');
  END;
  `,
  `
  -- Number of consecutive refusals by an intermediary. The export then waits until next_retry_at_ms, and no attempt is counted.
  ALTER TABLE entries ADD COLUMN refusal_count INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- The time zones that the boat's settings have specified, each with the time from which it applies. A local time in a source is
  -- read in the zone that applied when it was written.
  CREATE TABLE time_zones (
    since_ms INTEGER PRIMARY KEY,
    zone     TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- The ledgers that this boat began because central had another export under the former one (decision 0033).
  CREATE TABLE ledger_changes (
    change_no     INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms         INTEGER NOT NULL,
    old_ledger_id TEXT NOT NULL,
    new_ledger_id TEXT NOT NULL,
    reason        TEXT NOT NULL,
    -- Exports that waited or had failed, and were numbered in the new ledger.
    renumbered    INTEGER NOT NULL,
    -- The first full export of the new ledger. The next export is full until there is one.
    full_entry_no INTEGER
  ) STRICT;
  `,
  `
  -- Central may lose an export after it was delivered and its file was removed (decision 0044). Its ranges therefore outlive its
  -- entry.
  CREATE TABLE kept_ranges (
    entry_no      INTEGER NOT NULL,
    category      TEXT NOT NULL,
    source        TEXT NOT NULL,
    from_position INTEGER,
    from_check    TEXT,
    to_position   INTEGER,
    to_check      TEXT,
    PRIMARY KEY (entry_no, category, source)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO kept_ranges SELECT * FROM ranges;
  DROP TABLE ranges;
  ALTER TABLE kept_ranges RENAME TO ranges;

  -- Delivered exports of this ledger whose files were removed, and whose ranges have not been rewound since. Without entry_no the
  -- ranges are unknown, because an earlier version removed them.
  CREATE TABLE removed_exports (
    sequence INTEGER PRIMARY KEY,
    entry_no INTEGER
  ) STRICT;
  INSERT INTO removed_exports (sequence)
    WITH RECURSIVE numbers (n) AS (
      SELECT 1 WHERE (SELECT sequence FROM counters) > 0
      UNION ALL SELECT n + 1 FROM numbers WHERE n < (SELECT sequence FROM counters))
    SELECT n FROM numbers WHERE n NOT IN (SELECT sequence FROM entries);

  -- Sequences that central lacks and that will never arrive: their ranges were rewound. The next export withdraws them.
  CREATE TABLE lapsed_sequences (
    sequence INTEGER PRIMARY KEY
  ) STRICT;

  -- The time at which a delivered export was last requeued because central had lost it.
  ALTER TABLE entries ADD COLUMN requeued_at_ms INTEGER;

  -- One row: the number of times that central reported a delivered export as missing, by what the boat did.
  CREATE TABLE missing_totals (
    requeued         INTEGER NOT NULL,
    rewound          INTEGER NOT NULL,
    last_reported_at_ms INTEGER
  ) STRICT;
  INSERT INTO missing_totals VALUES (0, 0, NULL);
  `,
  ...LATER_STEPS,
];
