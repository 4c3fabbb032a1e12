-- {"ledgerId":"00112233445566ff","nextSequence":8,"entries":[null,{"entryNo":2,"queueId":"q_20260220_100502","exportId":"exp_2","exportFile":"/x/exports/export_20260220_100502.json","exportType":"incremental","trigger":"scheduled","tier":2,"sequence":2,"categoryCount":9,"recordCount":12,"categories":{"boatlog":{"state":"ok","count":10}},"fileSizeBytes":1002,"createdAtMs":1771581902000,"status":"completed","retryCount":0,"nextRetryAtMs":1771581902000,"partSizeBytes":500,"wireSizeBytes":400,"completedAtMs":1771581960000},{"entryNo":3,"queueId":"q_20260220_100503","exportId":"exp_3","exportFile":"/x/failed/q_20260220_100503_failed.json","exportType":"incremental","trigger":"scheduled","tier":2,"sequence":3,"categoryCount":9,"recordCount":12,"categories":{"boatlog":{"state":"ok","count":10}},"fileSizeBytes":1003,"createdAtMs":1771581903000,"status":"failed","retryCount":0,"nextRetryAtMs":1771581903000,"lastError":"no 3","wireSizeBytes":0,"failedAtMs":1771581970000},{"entryNo":4,"queueId":"q_20260220_100504","exportId":"exp_4","exportFile":"/x/failed/q_20260220_100504_failed.json","exportType":"incremental","trigger":"scheduled","tier":2,"sequence":4,"categoryCount":9,"recordCount":12,"categories":{"boatlog":{"state":"ok","count":10}},"fileSizeBytes":1004,"createdAtMs":1771581904000,"status":"failed","retryCount":0,"nextRetryAtMs":1771581904000,"lastError":"no 4","wireSizeBytes":0,"failedAtMs":1771581970000},{"entryNo":5,"queueId":"q_20260220_100505","exportId":"exp_5","exportFile":"/x/exports/export_20260220_100505.json","exportType":"incremental","trigger":"scheduled","tier":2,"sequence":5,"categoryCount":9,"recordCount":12,"categories":{"boatlog":{"state":"ok","count":10}},"fileSizeBytes":1005,"createdAtMs":1771581905000,"status":"uploading","retryCount":2,"nextRetryAtMs":1771581990000,"lastError":"HTTP 503","partSizeBytes":500,"wireSizeBytes":550},{"entryNo":6,"queueId":"q_20260220_100506","exportId":"exp_6","exportFile":"/x/exports/export_old_6.json","exportType":"incremental","trigger":"scheduled","tier":2,"sequence":6,"categoryCount":9,"recordCount":12,"categories":{"boatlog":{"state":"ok","count":10}},"fileSizeBytes":1006,"createdAtMs":1771581906000,"status":"pending","retryCount":0,"nextRetryAtMs":1771581906000,"wireSizeBytes":0},{"entryNo":7,"queueId":"q_20260220_100507","exportId":"exp_7","exportFile":"/x/exports/export_20260220_100507.json","exportType":"incremental","trigger":"scheduled","tier":2,"sequence":7,"categoryCount":9,"recordCount":12,"categories":{"boatlog":{"state":"ok","count":10}},"fileSizeBytes":1007,"createdAtMs":1771581907000,"status":"pending","retryCount":0,"nextRetryAtMs":1771581907000,"wireSizeBytes":0}],"parts":[[true,true],[true,false]],"cursors":[{"position":50,"check":"row 50"},null],"settings":"d7","alerts":["d1","d2",null,null,"d5","d6","d7"],"monthBytes":0,"history":["exp_2","exp_1"],"losses":[{"atMs":1771581980000,"what":"/x/failed/q_20260220_100504_failed.json","sizeBytes":1004,"reason":"its records were delivered"},{"atMs":1771581980000,"what":"browser notes","sizeBytes":7,"reason":"the oldest entries of a full browser list"}],"slots":["2026-02-20"]}
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
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
CREATE INDEX entries_pending ON entries (entry_no) WHERE status = 'pending';
CREATE INDEX entries_by_file ON entries (export_file);
CREATE TABLE parts (
    entry_no           INTEGER NOT NULL REFERENCES entries (entry_no) ON DELETE CASCADE,
    part_index         INTEGER NOT NULL,
    slices             TEXT NOT NULL,
    receipt            TEXT,
    acknowledged_at_ms INTEGER,
    PRIMARY KEY (entry_no, part_index)
  ) STRICT, WITHOUT ROWID;
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
CREATE TABLE digests (
    category  TEXT NOT NULL,
    record_id TEXT NOT NULL,
    digest    TEXT NOT NULL,
    entry_no  INTEGER NOT NULL,
    PRIMARY KEY (category, record_id)
  ) STRICT, WITHOUT ROWID;
CREATE INDEX digests_by_entry ON digests (entry_no);
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
CREATE TABLE losses (
    loss_no    INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    what       TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    reason     TEXT NOT NULL
  ) STRICT;
CREATE TABLE slots (
    slot_id       TEXT PRIMARY KEY,
    claimed_at_ms INTEGER NOT NULL,
    queue_id      TEXT
  ) STRICT, WITHOUT ROWID;
INSERT INTO facts VALUES ('bundled_exports', 'exp_3 exp_5');
INSERT INTO facts VALUES ('ledger_id', '00112233445566ff');
INSERT INTO facts VALUES ('next_sequence', '2');
INSERT INTO entries VALUES (2, 'q_20260220_100502', 'exp_2', '/x/exports/export_20260220_100502.json', 'incremental', 'scheduled', 2, 2, 9, 12, '{"boatlog":{"state":"ok","count":10}}', 1002, 1771581902000, 'completed', 0, 1771581902000, NULL, 500, 400, 1771581960000, NULL);
INSERT INTO entries VALUES (3, 'q_20260220_100503', 'exp_3', '/x/failed/q_20260220_100503_failed.json', 'incremental', 'scheduled', 2, 3, 9, 12, '{"boatlog":{"state":"ok","count":10}}', 1003, 1771581903000, 'failed', 0, 1771581903000, 'no 3', NULL, 0, NULL, 1771581970000);
INSERT INTO entries VALUES (4, 'q_20260220_100504', 'exp_4', '/x/failed/q_20260220_100504_failed.json', 'incremental', 'scheduled', 2, 4, 9, 12, '{"boatlog":{"state":"ok","count":10}}', 1004, 1771581904000, 'failed', 0, 1771581904000, 'no 4', NULL, 0, NULL, 1771581970000);
INSERT INTO entries VALUES (5, 'q_20260220_100505', 'exp_5', '/x/exports/export_20260220_100505.json', 'incremental', 'scheduled', 2, 5, 9, 12, '{"boatlog":{"state":"ok","count":10}}', 1005, 1771581905000, 'pending', 2, 1771581990000, 'HTTP 503', 500, 550, NULL, NULL);
INSERT INTO entries VALUES (6, 'q_20260220_100506', 'exp_6', '/x/exports/export_old_6.json', 'incremental', 'scheduled', 2, 6, 9, 12, '{"boatlog":{"state":"ok","count":10}}', 1006, 1771581906000, 'pending', 0, 1771581906000, NULL, NULL, 0, NULL, NULL);
INSERT INTO entries VALUES (7, 'q_20260220_100507', 'exp_7', '/x/exports/export_20260220_100507.json', 'incremental', 'scheduled', 2, 7, 9, 12, '{"boatlog":{"state":"ok","count":10}}', 1007, 1771581907000, 'pending', 0, 1771581907000, NULL, NULL, 0, NULL, NULL);
INSERT INTO parts VALUES (2, 1, '[]', '{"status":"success","import_id":"import_2_1","export_id":"exp_2","part":{"index":1,"count":2},"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","records_imported":{"boatlog":5},"rejected_records":[],"duplicate":false,"timestamp":"2026-02-20T10:05:00Z"}', 1771581960000);
INSERT INTO parts VALUES (2, 2, '[]', '{"status":"success","import_id":"import_2_2","export_id":"exp_2","part":{"index":2,"count":2},"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","records_imported":{"boatlog":5},"rejected_records":[],"duplicate":false,"timestamp":"2026-02-20T10:05:00Z"}', 1771581960000);
INSERT INTO parts VALUES (5, 1, '[]', '{"status":"success","import_id":"import_5_1","export_id":"exp_5","part":{"index":1,"count":2},"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","records_imported":{"boatlog":5},"rejected_records":[],"duplicate":false,"timestamp":"2026-02-20T10:05:00Z"}', 1771581960000);
INSERT INTO parts VALUES (5, 2, '[]', NULL, NULL);
INSERT INTO cursors VALUES ('boatlog', 'main', 50, 'row 50');
INSERT INTO ranges VALUES (2, 'boatlog', 'main', 10, 'row 10', 20, 'row 20');
INSERT INTO ranges VALUES (3, 'boatlog', 'main', 20, 'row 20', 30, 'row 30');
INSERT INTO ranges VALUES (3, 'boatlog', 'other', NULL, NULL, 1, 'row 1');
INSERT INTO ranges VALUES (4, 'boatlog', 'main', 20, 'row 20', 30, 'row 30');
INSERT INTO ranges VALUES (5, 'boatlog', 'main', 20, 'row 20', 30, 'row 30');
INSERT INTO ranges VALUES (6, 'boatlog', 'main', 30, 'row 30', 40, 'row 40');
INSERT INTO ranges VALUES (7, 'boatlog', 'main', 40, 'row 40', 50, 'row 50');
INSERT INTO digests VALUES ('settings', 'settings', 'd7', 7);
INSERT INTO digests VALUES ('system_alerts', 'alert 1', 'd1', 1);
INSERT INTO digests VALUES ('system_alerts', 'alert 2', 'd2', 2);
INSERT INTO digests VALUES ('system_alerts', 'alert 5', 'd5', 5);
INSERT INTO digests VALUES ('system_alerts', 'alert 6', 'd6', 6);
INSERT INTO digests VALUES ('system_alerts', 'alert 7', 'd7', 7);
INSERT INTO history VALUES (1, 'q_20260220_100501', 'exp_1', '/x/exports/export_20260220_100501.json', 'incremental', 2, 9, 12, 1001, 100, 1771581901000, 1771581960000, 0, NULL, '{"boatlog":5}', '[]', '{"status":"success","import_id":"import_1_1","export_id":"exp_1","part":{"index":1,"count":1},"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","records_imported":{"boatlog":5},"rejected_records":[],"duplicate":false,"timestamp":"2026-02-20T10:05:00Z"}');
INSERT INTO history VALUES (2, 'q_20260220_100502', 'exp_2', '/x/exports/export_20260220_100502.json', 'incremental', 2, 9, 12, 1002, 400, 1771581902000, 1771581960000, 0, NULL, '{"boatlog":10}', '[]', '{"status":"success","import_id":"import_2_2","export_id":"exp_2","part":{"index":2,"count":2},"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","records_imported":{"boatlog":5},"rejected_records":[],"duplicate":false,"timestamp":"2026-02-20T10:05:00Z"}');
INSERT INTO losses VALUES (1, 1771581980000, '/x/failed/q_20260220_100504_failed.json', 1004, 'its records were delivered');
INSERT INTO losses VALUES (2, 1771581980000, 'browser notes', 7, 'the oldest entries of a full browser list');
INSERT INTO slots VALUES ('2026-02-20', 1771581900000, NULL);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES ('entries', 7);
INSERT INTO sqlite_sequence VALUES ('losses', 2);
PRAGMA user_version = 1;
