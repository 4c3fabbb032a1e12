import type { Mutant } from './mutant.ts';

const ARRIVALS = 'packages/boat/src/ledger/queue-arrivals.ts';
const OUTCOMES = 'packages/boat/src/ledger/queue-outcomes.ts';
const REMOVALS = 'packages/boat/src/ledger/queue-removals.ts';
const COUNTERS = 'packages/boat/src/ledger/counters.ts';
const CURSORS = 'packages/boat/src/ledger/cursors.ts';
const SCHEMA = 'packages/boat/src/ledger/schema.ts';
const UPGRADE_TESTS = ['packages/boat/src/ledger/upgrade.test.ts'];
const RECOVER = 'packages/boat/src/recovery/recover.ts';
const DIGESTS = 'packages/boat/src/ledger/digests.ts';
const DIGESTS_TESTS = ['packages/boat/src/ledger/digests.test.ts'];
const CREATE_EXPORT_TESTS = ['packages/boat/src/create-export/create-export.test.ts'];
const QUEUE_TESTS = ['packages/boat/src/ledger/queue.test.ts'];
const LEDGER_TESTS = ['packages/boat/src/ledger/ledger.test.ts'];
const RECOVER_TESTS = ['packages/boat/src/recovery/recover.test.ts'];
const ADOPT_TESTS = ['packages/boat/src/recovery/adopt.test.ts'];
const CUT = 'packages/boat/src/spool/cut.ts';
const SPOOL_TESTS = ['packages/boat/src/spool/spool.test.ts'];
const VIEWS_TESTS = ['packages/boat/src/views/view-writer.test.ts'];

/** Violations of the invariants of the ledger, the spool and the startup. */
export const LEDGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'a new ledger keeps the cursors of the former one',
    file: 'packages/boat/src/ledger/ledger-changes.ts',
    before: 'DELETE FROM cursors;',
    after: 'DELETE FROM cursors WHERE false;',
    killedBy: ['packages/boat/src/ledger/ledger-changes.test.ts'],
  },
  {
    name: 'parts that were acknowledged in the former ledger are not sent again',
    file: 'packages/boat/src/ledger/ledger-changes.ts',
    before: 'parts.reopen(entryNo);',
    after: 'parts.reopen(-entryNo);',
    killedBy: ['packages/boat/src/ledger/ledger-changes.test.ts'],
  },
  {
    name: 'an entry and its cursors are written in several commits',
    file: ARRIVALS,
    before: 'enqueue: (entry, moves, { slotId, stagedNo } = {}) =>\n      ledger.transaction(() => {',
    after:
      'enqueue: (entry, moves, { slotId, stagedNo } = {}) =>\n      ((work: () => Entry): Entry => work())(() => {',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the cursors do not move with the entry',
    file: ARRIVALS,
    before: 'cursors.advance(inserted.entryNo, moves);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the digests of an export are not kept',
    file: ARRIVALS,
    before: 'digests.write(inserted.entryNo, moves);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'a completed entry still counts as waiting',
    file: SCHEMA,
    before: "pending = pending + (new.status = 'pending') - (old.status = 'pending'),",
    after: "pending = pending + (new.status = 'pending'),",
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an upgrade moves the cursors because of entries older than the cursors',
    file: SCHEMA,
    before:
      "      AND entry_no > coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'cursors_through'), 0)\n",
    after: '',
    killedBy: UPGRADE_TESTS,
  },
  {
    name: "a removed entry's number is reused",
    file: COUNTERS,
    before: 'UPDATE counters SET entry_no = entry_no + 1 RETURNING entry_no',
    after: 'SELECT coalesce(max(entry_no), 0) + 1 AS entry_no FROM entries',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an export gets a second entry',
    file: ARRIVALS,
    before:
      'reads.findByExportId(entry.exportId) === undefined && reads.findByFile(entry.exportFile) === undefined\n          ? insert(counters.takeEntryNo(), entry)\n          : undefined,',
    after: 'insert(counters.takeEntryNo(), entry),',
    killedBy: QUEUE_TESTS,
  },
  {
    name: "the bytes of a delivery are not added to the month's total",
    file: OUTCOMES,
    before: '        months.add(atMs, wireSizeBytes);\n        const entry',
    after: '        const entry',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an upgrade deletes the parts of waiting entries',
    file: SCHEMA,
    before: '  DROP TABLE parts;\n  DROP TABLE entries;',
    after: '  DROP TABLE entries;\n  DROP TABLE slim_parts;\n  ALTER TABLE parts RENAME TO slim_parts;',
    killedBy: UPGRADE_TESTS,
  },
  {
    name: 'the slot is not claimed in the same commit',
    file: ARRIVALS,
    before: 'if (slotId !== undefined) insertSlot.run(slotId, entry.createdAtMs, entry.queueId);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the sequence number is not increased',
    file: ARRIVALS,
    before: 'counters.raiseSequence(entry.sequence);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the sequence numbers of removed entries are lost',
    file: COUNTERS,
    before: 'SELECT sequence FROM counters',
    after: 'SELECT coalesce(max(sequence), 0) AS sequence FROM entries',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'a failed export keeps its ranges',
    file: OUTCOMES,
    before: 'cursors.rewindRanges(entryNo);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'an entry that was being sent does not return to pending',
    file: 'packages/boat/src/ledger/queue-waiting.ts',
    before: 'resume: () => uploading.clear(),',
    after: 'resume: () => undefined,',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an acknowledged part does not reset the attempts',
    file: OUTCOMES,
    before: 'statements.resetAttempts.run(entryNo);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'cutting the parts again drops acknowledged parts',
    file: 'packages/boat/src/ledger/parts.ts',
    before: "'DELETE FROM parts WHERE entry_no = ? AND receipt IS NULL'",
    after: "'DELETE FROM parts WHERE entry_no = ?'",
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'a retried entry has no attempts left',
    file: REMOVALS,
    before: "SET status = 'pending', retry_count = 0, refusal_count = 0, next_retry_at_ms = ?",
    after: "SET status = 'pending', next_retry_at_ms = ?",
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'a waiting entry may be removed',
    file: REMOVALS,
    before: "AND status IN ('completed', 'failed')",
    after: '',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'the newest entry is sent first',
    file: 'packages/boat/src/ledger/queue-waiting.ts',
    before: 'AND file_size_bytes <= ? ORDER BY entry_no`',
    after: 'AND file_size_bytes <= ? ORDER BY entry_no DESC`',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the start of a range is not stored',
    file: CURSORS,
    before: 'from?.position ?? null,',
    after: 'from?.position === undefined ? null : (end?.position ?? null),',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the cursor does not move when a range is rewound',
    file: CURSORS,
    before: 'lowerCursor(cursorOf(category, source), from)',
    after: 'cursorOf(category, source)',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the digests of a failed export are kept',
    file: OUTCOMES,
    before: 'digests.rewind(entryNo);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'staged digests are valid before their entry commits',
    file: DIGESTS,
    before: "AND state IS NOT 'staged' ORDER BY",
    after: 'ORDER BY',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'staged digests replace valid ones',
    file: DIGESTS,
    before: 'deleteOutdated.run(key, entryNo);',
    after: 'deleteOthers.run(key, entryNo);',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: "purging a failed entry's digests keeps earlier digests",
    file: DIGESTS,
    before: "first['state'] === 'staged' ? deleteOne : deleteThrough",
    after: 'deleteOne',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'staged digests take no number from the counter',
    file: ARRIVALS,
    before: 'const entryNo = stagedNo ?? counters.takeEntryNo();',
    after: 'const entryNo = stagedNo ?? (reads.newest()?.entryNo ?? 0) + 1;',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'staged digests of an abandoned export are not purged',
    file: 'packages/boat/src/create-export/create-export.ts',
    before: 'while (ledger.progress.digests.purge()) {',
    after: 'while (false as boolean) {',
    killedBy: CREATE_EXPORT_TESTS,
  },
  {
    name: 'a range that was rewound during an export is skipped',
    file: CURSORS,
    before: 'const end = isUnchanged ? to : undefined;',
    after: 'const end = to;',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the start does not remove temporary files',
    file: RECOVER,
    before: 'await disk.remove(join(directory, file.name));',
    after: '',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'files without an entry are not adopted',
    file: RECOVER,
    before: "!file.name.endsWith('.json') ||",
    after: "file.name.endsWith('.json') ||",
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'an entry whose file was just archived is failed',
    file: RECOVER,
    before: 'ledger.queue.setFile(entry.entryNo, archived);\n      continue;',
    after: '',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'an entry without its file stays pending',
    file: RECOVER,
    before: 'const there = await disk.stat(entry.exportFile);',
    after: 'const there = await disk.stat(paths.exports);',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'a file whose quarantine was interrupted is quarantined again under a second name',
    file: 'packages/boat/src/recovery/quarantine-file.ts',
    before: 'if (there !== undefined && !isHere) continue;',
    after: 'if (there !== undefined) continue;',
    killedBy: ADOPT_TESTS,
  },
  {
    name: 'a file whose archiving was interrupted keeps its second name',
    file: RECOVER,
    before: 'if (hasBoth) await disk.remove(archived);',
    after: '',
    killedBy: RECOVER_TESTS,
  },
  {
    name: "a different export under an entry's name in the archive is removed",
    file: RECOVER,
    before: '(await disk.stat(archived))?.fileNo === there.fileNo;',
    after: 'there.fileNo >= 0;',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'a legacy export is removed before its rewritten file is durable',
    file: 'packages/boat/src/recovery/adopt.ts',
    before:
      '  let bytes: Uint8Array | undefined;\n  try {\n    bytes = await world.disk.read(path, LEGACY_DOCUMENT_SIZE_MAX_BYTES);',
    after:
      '  let bytes: Uint8Array | undefined;\n  try {\n    bytes = await world.disk.read(path, LEGACY_DOCUMENT_SIZE_MAX_BYTES);\n    await world.disk.remove(path);',
    killedBy: ADOPT_TESTS,
  },
  {
    name: 'a damaged ledger is overwritten',
    file: 'packages/boat/src/recovery/open-or-quarantine.ts',
    before: 'await quarantineFile(world, paths, path, `the ledger that was found damaged at ${stamp}`);',
    after: 'await world.disk.remove(path);',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'the intact part of a damaged export is sent',
    file: CUT,
    before: "if (!isComplete) throw damaged(path, 'has no end');",
    after: '',
    killedBy: SPOOL_TESTS,
  },
  {
    name: 'cutting the open parts includes the acknowledged records',
    file: CUT,
    before: 'if (!isOpen(offset)) continue;',
    after: 'if (!isOpen(offset) && offset < 0) continue;',
    killedBy: SPOOL_TESTS,
  },
  {
    name: 'the history view is written only once',
    file: 'packages/boat/src/views/view-writer.ts',
    before: "historyNo === writtenHistoryNo ? 'queue' : 'both'",
    after: "writtenHistoryNo !== undefined ? 'queue' : 'both'",
    killedBy: VIEWS_TESTS,
  },
  {
    name: 'views that are up to date are written again',
    file: 'packages/boat/src/views/view-writer.ts',
    before: 'if (!isBehind) continue;',
    after: '',
    killedBy: VIEWS_TESTS,
  },
  {
    name: 'writing a view is not retried after a failure',
    file: 'packages/boat/src/views/view-writer.ts',
    before: '          changed();\n',
    after: '',
    killedBy: VIEWS_TESTS,
  },
  {
    name: 'a retried export keeps the loss that its interrupted removal recorded',
    file: REMOVALS,
    before: 'if (lossNo !== undefined) losses.remove(lossNo);',
    after: '',
    killedBy: ['packages/boat/src/retain/retention.test.ts'],
  },
  {
    name: 'an upgrade loses the intents to remove failed exports',
    file: SCHEMA,
    before: 'WHERE what = entries.export_file AND size_bytes = entries.file_size_bytes',
    after: 'WHERE what = entries.queue_id AND size_bytes = entries.file_size_bytes',
    killedBy: UPGRADE_TESTS,
  },
  {
    name: 'an upgrade loses the marks of exports in an offline bundle',
    file: SCHEMA,
    before: "WHERE facts.name = 'bundled_exports' AND mark.value <> ''",
    after: "WHERE facts.name = 'bundled' AND mark.value <> ''",
    killedBy: UPGRADE_TESTS,
  },
];
