import type { Mutant } from './mutant.ts';

const QUEUE = 'packages/boat/src/ledger/queue.ts';
const PROGRESS = 'packages/boat/src/ledger/progress.ts';
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

/** What ledger, spool and start keep together, left apart. */
export const LEDGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'an entry and its cursors are several commits',
    file: QUEUE,
    before: 'const inserted = ledger.transaction(() => {\n        const enqueued',
    after: 'const inserted = ((work: () => Entry): Entry => work())(() => {\n        const enqueued',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the cursors do not move with the entry',
    file: QUEUE,
    before: 'printRanges(ranges),',
    after: 'printRanges(ranges.map((range) => ({ ...range, to: undefined }))),',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the digests of an export are not kept',
    file: QUEUE,
    before:
      "progress.advanceDigests(enqueued.entryNo, moves, stagedNo === undefined ? 'all_now' : 'with_ahead');",
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'a completed entry is still counted among those that wait',
    file: QUEUE,
    before: "counts.moved('pending', 'completed');",
    after: "counts.moved(undefined, 'completed');",
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'the cursors a removed entry moved go with it',
    file: QUEUE,
    before: 'progress.keep(newestNo);\n        return deleteEntry',
    after: 'return deleteEntry',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'cursors that were kept are moved by the entries before them',
    file: PROGRESS,
    before: 'selectLaterRanges.iterate(keptThrough())',
    after: 'selectLaterRanges.iterate(0)',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the number of a removed entry is given again',
    file: QUEUE,
    before: 'Math.max(progress.keptThrough(), first(selectNewest.get())?.entryNo ?? 0)',
    after: 'first(selectNewest.get())?.entryNo ?? 0',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'a requeued entry is not looked for',
    file: QUEUE,
    before: 'waitingFrom = Math.min(waitingFrom, entryNo);',
    after: '',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an export gets a second entry',
    file: QUEUE,
    before: 'byExportId.get(entry.exportId) === undefined ? insert(nextNo(), entry, []) : undefined',
    after: 'insert(nextNo(), entry, [])',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'the bytes sent in a month are forgotten when another begins',
    file: 'packages/boat/src/ledger/wire-months.ts',
    before: 'if (month !== newest.month) upsert.run(newest.month, newest.sizeBytes);',
    after: '',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an upgrade takes the parts of what waits along',
    file: 'packages/boat/src/ledger/schema.ts',
    before: '  DROP TABLE parts;\n  DROP TABLE entries;',
    after: '  DROP TABLE entries;\n  DROP TABLE slim_parts;\n  ALTER TABLE parts RENAME TO slim_parts;',
    killedBy: ['packages/boat/src/ledger/upgrade.test.ts'],
  },
  {
    name: 'the slot is not claimed with the commit',
    file: QUEUE,
    before: 'if (slotId !== undefined) insertSlot.run(slotId, entry.createdAtMs, entry.queueId);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the sequence is not raised',
    file: QUEUE,
    before: 'facts.skipSequence(e.sequence);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the sequences of removed entries are forgotten',
    file: QUEUE,
    before: 'facts.keepSequence();',
    after: '',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'a failed export keeps its ranges',
    file: QUEUE,
    before: 'progress.giveBack(entryNo, parseRanges(ranges), newestNo);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'what was being sent is not put back',
    file: QUEUE,
    before: 'resume: () => uploading.clear(),',
    after: 'resume: () => undefined,',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'an acknowledged part does not set the attempts back',
    file: QUEUE,
    before: 'resetAttempts.run(entryNo);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'a new cut forgets what is acknowledged',
    file: 'packages/boat/src/ledger/parts.ts',
    before: "'DELETE FROM parts WHERE entry_no = ? AND receipt IS NULL'",
    after: "'DELETE FROM parts WHERE entry_no = ?'",
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'a requeued entry has no attempt left',
    file: QUEUE,
    before: "SET status = 'pending', retry_count = 0, next_retry_at_ms = ?, failed_at_ms = NULL",
    after: "SET status = 'pending', next_retry_at_ms = ?, failed_at_ms = NULL",
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'a waiting entry can be forgotten',
    file: QUEUE,
    before: "AND status IN ('completed', 'failed')",
    after: '',
    killedBy: QUEUE_TESTS,
  },
  {
    name: 'the newest entry goes first',
    file: QUEUE,
    before: 'AND file_size_bytes <= ? ORDER BY entry_no`',
    after: 'AND file_size_bytes <= ? ORDER BY entry_no DESC`',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'where a range began is not kept',
    file: PROGRESS,
    before: 'from?.position ?? null,',
    after: 'from?.position === undefined ? null : (to?.position ?? null),',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the cursor stays where it is when a range comes back',
    file: PROGRESS,
    before: 'lowerCursor(cursorOf(category, source), from)',
    after: 'cursorOf(category, source)',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'the digests of a failed export are kept',
    file: PROGRESS,
    before: 'digests.giveBack(entryNo);',
    after: '',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'digests count before the entry they were written ahead for',
    file: DIGESTS,
    before: "          case 'ahead':\n            continue;",
    after: "          case 'ahead':\n            return row['digest'] as string;",
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'digests written ahead replace those that count',
    file: DIGESTS,
    before: 'deleteOutdated.run(category, recordId, entryNo);',
    after: 'deleteOthers.run(category, recordId, entryNo);',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'what was given back leaves the digest before it',
    file: DIGESTS,
    before: "what === 'ahead' ? deleteOne : deleteThrough",
    after: 'deleteOne',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'an adopted file takes the number of digests that were written ahead',
    file: QUEUE,
    before: 'Math.max(newestNo, progress.digests.stagedNo() ?? 0) + 1',
    after: 'newestNo + 1',
    killedBy: DIGESTS_TESTS,
  },
  {
    name: 'what an export left that came to nothing stays among the digests',
    file: 'packages/boat/src/create-export/create-export.ts',
    before: 'while (ledger.progress.digests.purge()) {',
    after: 'while (false as boolean) {',
    killedBy: CREATE_EXPORT_TESTS,
  },
  {
    name: 'a range that came back meanwhile is jumped over',
    file: PROGRESS,
    before: 'to: isStill ? to : undefined',
    after: 'to',
    killedBy: LEDGER_TESTS,
  },
  {
    name: 'temporary files are left at the start',
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
    name: 'an entry without its file stays',
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
    name: 'the second name of a file whose archiving was cut off stays',
    file: RECOVER,
    before: 'if (hasBoth) await disk.remove(archived);',
    after: '',
    killedBy: RECOVER_TESTS,
  },
  {
    name: "another export that has an entry's name in the archive is removed",
    file: RECOVER,
    before: '(await disk.stat(archived))?.fileNo === there.fileNo;',
    after: 'there.fileNo >= 0;',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'an old export goes before its rewritten one is durable',
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
    before: 'await quarantineFile(world, paths, path, `the damaged ledger of ${stamp}`);',
    after: 'await world.disk.remove(path);',
    killedBy: RECOVER_TESTS,
  },
  {
    name: 'an export that was torn is sent in part',
    file: CUT,
    before: "if (!isComplete) throw damaged(path, 'has no end');",
    after: '',
    killedBy: SPOOL_TESTS,
  },
  {
    name: 'cutting the rest takes everything',
    file: CUT,
    before: "if (line.kind !== 'record' || !isOpen(offset)) continue;",
    after: "if (line.kind !== 'record') continue;",
    killedBy: SPOOL_TESTS,
  },
  {
    name: 'the history view is written once and never again',
    file: 'packages/boat/src/views/view-writer.ts',
    before: "historyNo === writtenHistoryNo ? 'queue' : 'both'",
    after: "writtenHistoryNo !== undefined ? 'queue' : 'both'",
    killedBy: VIEWS_TESTS,
  },
  {
    name: 'what the views show already is written again',
    file: 'packages/boat/src/views/view-writer.ts',
    before: 'if (!isBehind) continue;',
    after: '',
    killedBy: VIEWS_TESTS,
  },
  {
    name: 'a view that could not be written is not tried again',
    file: 'packages/boat/src/views/view-writer.ts',
    before: '          changed();\n',
    after: '',
    killedBy: VIEWS_TESTS,
  },
];
