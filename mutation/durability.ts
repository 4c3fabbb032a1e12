import type { Mutant } from './mutant.ts';

const DISK = 'packages/boat/src/platform/disk.ts';
const DISK_TESTS = ['packages/sim/src/disk.test.ts'];
const SQLITE = 'packages/boat/src/platform/sqlite.ts';
const SQLITE_TESTS = ['packages/boat/src/platform/sqlite.test.ts'];
const CREATE = 'packages/boat/src/create-export/create-export.ts';
const CREATE_TESTS = ['packages/boat/src/create-export/create-export.test.ts'];
const READ_TESTS = ['packages/boat/src/collect/failing-while-read.test.ts'];

/** Missing or reordered steps while an export is written to the card. */
export const DURABILITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'a file is not synced before it is renamed',
    file: DISK,
    before: 'await file.sync();',
    after: '',
    killedBy: DISK_TESTS,
  },
  {
    name: 'a loss reported by a concurrent sync is ignored',
    file: DISK,
    before: 'failure ??= { error };',
    after: 'void error;',
    killedBy: ['packages/boat/src/platform/disk.test.ts'],
  },
  {
    name: 'a file is renamed before it is synced',
    file: DISK,
    before: 'await file.sync();\n      await closeOnce();\n      await fileSystem.rename(temporary, path);',
    after: 'await fileSystem.rename(temporary, path);\n      await file.sync();\n      await closeOnce();',
    killedBy: DISK_TESTS,
  },
  {
    name: 'the directory of a committed file is not synced',
    file: DISK,
    before: '\n      await withDiskErrors(`commit ${path}`, () => fileSystem.syncDirectory(dirname(path)));',
    after: '',
    killedBy: DISK_TESTS,
  },
  {
    name: 'the target directory of a move is not synced',
    file: DISK,
    before: 'await fileSystem.syncDirectory(dirname(to));',
    after: '',
    killedBy: DISK_TESTS,
  },
  {
    name: 'a file is moved between folders by a rename, and after a power cut only the removal may survive',
    file: DISK,
    before: 'const hasBoth = isAnotherFolder && (await addName(fileSystem, from, to));',
    after: 'const hasBoth = false;',
    killedBy: DISK_TESTS,
  },
  {
    name: 'a moved file loses its old name before the new one is durable',
    file: DISK,
    before:
      'await fileSystem.syncDirectory(dirname(to));\n        if (hasBoth) await fileSystem.unlink(from);',
    after:
      'if (hasBoth) await fileSystem.unlink(from);\n        await fileSystem.syncDirectory(dirname(to));',
    killedBy: DISK_TESTS,
  },
  {
    name: 'the parent of a new directory is not synced',
    file: DISK,
    before: 'await fileSystem.syncDirectory(dirname(directory));',
    after: '',
    killedBy: DISK_TESTS,
  },
  {
    name: 'a removal is not synced',
    file: DISK,
    before: 'if (await unlinkIfThere(fileSystem, path)) await fileSystem.syncDirectory(dirname(path));',
    after: 'await unlinkIfThere(fileSystem, path);',
    killedBy: DISK_TESTS,
  },
  {
    name: 'a short write counts as complete',
    file: DISK,
    before: 'written += taken;',
    after: 'written += Math.max(taken, bytes.length);',
    killedBy: DISK_TESTS,
  },
  {
    name: 'an unfinished file is visible under its final name',
    file: DISK,
    before: 'const name = `.${basename(path)}.${random.hex(TEMPORARY_NAME_BYTES)}.tmp`;',
    after: 'const name = basename(path);',
    killedBy: DISK_TESTS,
  },
  {
    name: 'the ledger does not sync its commits',
    file: SQLITE,
    before: 'PRAGMA synchronous = FULL;',
    after: 'PRAGMA synchronous = NORMAL;',
    killedBy: SQLITE_TESTS,
  },
  {
    name: 'a ledger that would lose commits is opened',
    file: SQLITE,
    before: "if (journalMode === 'wal' && typeof",
    after: 'if (typeof',
    killedBy: SQLITE_TESTS,
  },
  {
    name: 'a failed transaction is not rolled back',
    file: SQLITE,
    before: "db.exec('ROLLBACK');\n",
    after: "db.exec('COMMIT');\n",
    killedBy: SQLITE_TESTS,
  },
  {
    name: 'an export is queued before its file is durable',
    file: 'packages/boat/src/spool/export-file.ts',
    before: 'await file.commit();',
    after: 'void file.commit();',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'an export without new records leaves its temporary file behind',
    file: CREATE,
    before: "if (verdict !== 'queue') {\n      await writer.discard();",
    after: "if (verdict !== 'queue') {",
    killedBy: CREATE_TESTS,
  },
  {
    name: 'the file of an export whose commit failed is not removed',
    file: CREATE,
    before:
      'if (ledger.queue.findByFile(entry.exportFile) === undefined) await world.disk.remove(entry.exportFile);',
    after: '',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'a sequence that other programs may have read is reused',
    file: CREATE,
    before: 'ledger.facts.skipSequence(entry.ledgerId, entry.sequence);',
    after: '',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'an export does not claim its slot',
    file: CREATE,
    before: 'usesUpSlot(unread) ? request.slotId : undefined, stagedNo',
    after: 'undefined, stagedNo',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'two exports in one second share a name',
    file: CREATE,
    before:
      'if (ledger.queue.find(queueId) !== undefined || ledger.queue.findByFile(file) !== undefined) continue;',
    after: '',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'the reserve is not checked before an export',
    file: CREATE,
    before: '  await retention.ensureReserve();\n  ledger.ensureSparePages();',
    after: '  ledger.ensureSparePages();',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'the cursors that an export read are not passed to the ledger',
    file: 'packages/boat/src/create-export/collect-categories.ts',
    before: 'found.set(source, cursor);',
    after: '',
    killedBy: CREATE_TESTS,
  },
  {
    name: 'the digest of a record counts before the record is on a page',
    file: 'packages/boat/src/collect/state-records.ts',
    before: 'return { recordId: record.record_id, digest, line };',
    after:
      'context.addDigest(record.record_id, digest);\n    return { recordId: record.record_id, digest, line };',
    killedBy: READ_TESTS,
  },
  {
    name: 'the digests of a log count before its rows are read',
    file: 'packages/boat/src/collect/find-changed-rows.ts',
    before: 'digests.set(id, present.digest);',
    after: 'context.addDigest(id, present.digest);',
    killedBy: READ_TESTS,
  },
];
