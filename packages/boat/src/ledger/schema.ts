/**
 * The ledger's tables. Version n is reached by running the statements of step n in one transaction;
 * `PRAGMA user_version` holds the version reached. A step that has shipped is never edited.
 */
export const LEDGER_STEPS: readonly string[] = [
  `
  CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One row per export. entry_no is the order of arrival: clocks are wrong, this is not.
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
  -- Only what waits is looked for often; a status that changes then costs one page less.
  CREATE INDEX entries_pending ON entries (entry_no) WHERE status = 'pending';
  CREATE INDEX entries_by_file ON entries (export_file);

  -- The parts of an export that is being delivered; slices are byte ranges of its file.
  CREATE TABLE parts (
    entry_no           INTEGER NOT NULL REFERENCES entries (entry_no) ON DELETE CASCADE,
    part_index         INTEGER NOT NULL,
    slices             TEXT NOT NULL,
    receipt            TEXT,
    acknowledged_at_ms INTEGER,
    PRIMARY KEY (entry_no, part_index)
  ) STRICT, WITHOUT ROWID;

  -- How far each log source is exported, and which range each export answers for.
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

  -- Under which digest each state record was last exported, and by which export.
  CREATE TABLE digests (
    category  TEXT NOT NULL,
    record_id TEXT NOT NULL,
    digest    TEXT NOT NULL,
    entry_no  INTEGER NOT NULL,
    PRIMARY KEY (category, record_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX digests_by_entry ON digests (entry_no);

  -- What was delivered, kept when the entry and its file are cleaned up.
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

  -- Every byte ever dropped before central proved it holds it.
  CREATE TABLE losses (
    loss_no    INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    what       TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    reason     TEXT NOT NULL
  ) STRICT;

  -- Daily slots already claimed: a timer that fires twice exports once.
  CREATE TABLE slots (
    slot_id       TEXT PRIMARY KEY,
    claimed_at_ms INTEGER NOT NULL,
    queue_id      TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What kiosk pages handed over from localStorage, by its keys there.
  CREATE TABLE browser_documents (
    key            TEXT PRIMARY KEY,
    text           TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Bytes of bodies sent in each calendar month, for the owner's budget.
  CREATE TABLE wire_months (
    month      TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Each tree a commit changes is a page it writes and syncs: an entry keeps its ranges in its own row, and only what
  -- is looked up at every export has an index.
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
  -- The cursors are those of all entries so far, also of those that were removed.
  INSERT INTO facts SELECT 'cursors_through', CAST(seq AS TEXT) FROM sqlite_sequence WHERE name = 'entries';
  -- The children first: dropping their parent would take their rows along.
  DROP TABLE ranges;
  DROP TABLE parts;
  DROP TABLE entries;
  ALTER TABLE slim_entries RENAME TO entries;
  ALTER TABLE slim_parts RENAME TO parts;
  -- Bytes sent in the month of the completion, with those of this export's.
  ALTER TABLE history ADD COLUMN month_bytes INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX entries_by_odd_file ON entries (odd_file) WHERE odd_file IS NOT NULL;
  `,
  `
  -- Digests of a large export are written before its entry, in many small commits: each record has a row for each entry
  -- that may turn out to be the last that carried it.
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
  -- Entries whose digests do not count as they are: written ahead of an entry that is not committed, or given back.
  CREATE TABLE unsettled_digests (
    entry_no INTEGER PRIMARY KEY,
    what     TEXT NOT NULL CHECK (what IN ('ahead', 'given_back'))
  ) STRICT;
  `,
];
