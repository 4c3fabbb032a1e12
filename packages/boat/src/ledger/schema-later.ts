/** The latest steps of `LEDGER_STEPS`. Never edit a step that has shipped. */
export const LATER_STEPS: readonly string[] = [
  `
  -- The notifications that each channel shows now. A row exists until the channel has accepted the end of the notification.
  CREATE TABLE notifications (
    channel      TEXT NOT NULL CHECK (channel IN ('signalk', 'webhook')),
    subject      TEXT NOT NULL CHECK (subject IN ('failed', 'waiting')),
    export_count INTEGER NOT NULL,
    remote_id    TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    PRIMARY KEY (channel, subject)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A record takes 90 bytes instead of 276: its key is 16 bytes of a digest of its category and ID (digest-key.ts), and a SHA-256
  -- is stored as bytes.
  CREATE TABLE compact_digests (
    record_key BLOB NOT NULL,
    entry_no   INTEGER NOT NULL,
    digest     ANY NOT NULL,
    PRIMARY KEY (record_key, entry_no)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO compact_digests
    SELECT to_digest_key(category, record_id), entry_no, to_stored_digest(digest) FROM digests;
  DROP TABLE digests;
  ALTER TABLE compact_digests RENAME TO digests;
  CREATE INDEX digests_by_entry ON digests (entry_no);
  `,
];
