import type { Mutant } from './mutant.ts';

const DELIVER = 'packages/boat/src/deliver/deliver-entry.ts';
const ENTRY_PARTS = 'packages/boat/src/deliver/entry-parts.ts';
const SETTLE = 'packages/boat/src/deliver/settle-delivery.ts';
const SETTLE_TESTS = ['packages/boat/src/deliver/settle-delivery.test.ts'];
const DELIVER_TESTS = ['packages/boat/src/deliver/deliver-entry.test.ts'];
const DEAD_LETTER_TESTS = ['packages/boat/src/deliver/dead-letters.test.ts'];
const RETENTION = 'packages/boat/src/retain/retention.ts';
const RETENTION_TESTS = ['packages/boat/src/retain/retention.test.ts'];

/** Missing or premature steps in delivery and in the removal of files. */
export const DELIVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'parts are sent although no receipt can be stored',
    file: 'packages/boat/src/deliver/worker.ts',
    before: 'if (context.isLedgerInDoubt) ledger.proveWritable();',
    after: '',
    killedBy: ['tests/dying-card.test.ts'],
  },
  {
    name: 'an attempt is used up although central is no longer reachable',
    file: SETTLE,
    before: 'probed === undefined ? first : confirmUnavailable(first, probed);',
    after: 'first as Verdict;',
    killedBy: SETTLE_TESTS,
  },
  {
    name: 'central is probed after a failed send although the tier has fallen to 0',
    file: SETTLE,
    before: "const license =\n    first.kind === 'unavailable' ?",
    after: "const license =\n    first.kind === 'rejected' ?",
    killedBy: ['packages/boat/src/deliver/worker.test.ts'],
  },
  {
    name: 'an unreadable file blocks the exports behind it',
    file: DELIVER,
    before: "if (isExportError(error, 'DISK_FAILED')) return { kind: 'unreadable', detail: error.message };",
    after: '',
    killedBy: ['tests/unreadable-export.test.ts'],
  },
  {
    name: 'the file of a dead-lettered export is removed at once',
    file: 'packages/boat/src/deliver/dead-letters.ts',
    before: 'await disk.move(exportFile, archiveFile);',
    after: 'await disk.remove(exportFile);',
    killedBy: DEAD_LETTER_TESTS,
  },
  {
    name: 'a failed entry loses the path of its file',
    file: 'packages/boat/src/deliver/dead-letters.ts',
    before: 'atMs: clock.wall(), reason, archiveFile }',
    after: 'atMs: clock.wall(), reason, archiveFile: entry.exportFile }',
    killedBy: DEAD_LETTER_TESTS,
  },
  {
    name: 'a failed export replaces a different one in the archive',
    file: 'packages/boat/src/deliver/dead-letters.ts',
    before: 'if (archived !== undefined && archived.fileNo !== there.fileNo) return exportFile;',
    after: '',
    killedBy: DEAD_LETTER_TESTS,
  },
  {
    name: 'an entry whose file moves to the archive may be claimed',
    file: 'packages/boat/src/deliver/dead-letters.ts',
    before: 'underWay.add(entry.entryNo);',
    after: '',
    killedBy: DEAD_LETTER_TESTS,
  },
  {
    name: 'the tier is not checked again before each part',
    file: DELIVER,
    before: "if (permission.kind === 'refused') return { kind: 'not_permitted', refusal: permission };",
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: "another boat's export is sent",
    file: DELIVER,
    before: 'if (made === installationId) return;',
    after: "if (made !== null && installationId !== '') return;",
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'an acknowledged part is not recorded',
    file: DELIVER,
    before: 'ledger.queue.acknowledge(entry.entryNo, acknowledged);',
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'parts that are cut again start at the first record',
    file: ENTRY_PARTS,
    before: 'reader.cut(partSizeBytes, isOpen);',
    after: 'reader.cut(partSizeBytes);',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'parts that are cut again skip keys',
    file: ENTRY_PARTS,
    before: 'index: toFreeIndex(), slices',
    after: 'index: parts.length + toFreeIndex(), slices',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'parts that are cut again reuse the keys of acknowledged ones',
    file: ENTRY_PARTS,
    before: 'while (taken.has(last));',
    after: 'while (taken.has(0));',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'a part is cut again although central holds it',
    file: DELIVER,
    before: '!held.isWhole || isHeld)',
    after: '!held.isWhole)',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'a part is cut again although central did not report its held parts',
    file: DELIVER,
    before: '!held.isWhole || isHeld)',
    after: 'isHeld)',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'a part that the link cut off is not counted',
    file: DELIVER,
    before: 'if (isCutOff(outcome)) cutOffs.count(entry.entryNo, next.index);',
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'parts that are cut again keep the used attempts',
    file: 'packages/boat/src/ledger/queue-outcomes.ts',
    before: 'SET part_size_bytes = ?, retry_count = 0 WHERE',
    after: 'SET part_size_bytes = ? WHERE',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'one page of held parts counts as all of them',
    file: 'packages/boat/src/deliver/held-parts.ts',
    before: 'isWhole = page.held.next === null;',
    after: 'isWhole = true;',
    killedBy: ['packages/boat/src/deliver/held-parts.test.ts'],
  },
  {
    name: 'a held part counts without its digest',
    file: 'packages/boat/src/deliver/held-parts.ts',
    before: 'if (findReceiptMismatch(receipt, { ...expected, bodySha256 }) !== undefined) continue;',
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'failed exports are removed even if their records were not delivered',
    file: RETENTION,
    before: 'hasFile ? await findUndelivered(disk, clock, ledger, entry) : 0;',
    after: '0;',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'the removal of a failed export is not recorded as a loss',
    file: 'packages/boat/src/retain/remover.ts',
    before: "if (entry.status === 'failed')\n",
    after: "if (entry.status === 'pending')\n",
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'a failed export without its file stays in the queue although its loss is recorded',
    file: 'packages/boat/src/retain/policy.ts',
    before: 'hasFile ? undeliveredRecords === 0 : isRemovalBegun;',
    after: 'hasFile && undeliveredRecords === 0;',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'a failed export without its file is removed without a recorded loss',
    file: 'packages/boat/src/retain/policy.ts',
    before: 'hasFile ? undeliveredRecords === 0 : isRemovalBegun;',
    after: '!hasFile || undeliveredRecords === 0;',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'waiting exports are removed to free the reserve',
    file: RETENTION,
    before: "pickDelivered(ledger.queue.list('completed'), reserveBytes",
    after: "pickDelivered(ledger.queue.list('failed'), reserveBytes",
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'an export is made although the reserve is not free',
    file: RETENTION,
    before: 'if (isReserveFree(freeBytes, reserveBytes)) return;\n      throw',
    after: 'return;\n      throw',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'a record that central rejected counts as delivered',
    file: 'packages/boat/src/retain/find-undelivered.ts',
    before: 'if (!rejected.has(identity)) identities.delete(identity);',
    after: 'identities.delete(identity);',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'an earlier delivery proves a later export',
    file: 'packages/boat/src/retain/find-undelivered.ts',
    before: '(entry) => entry.entryNo > failed.entryNo',
    after: '(entry) => entry.entryNo > 0',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'the views are written before a delivery but not after it',
    file: 'packages/boat/src/deliver/worker.ts',
    before: "entry, result, signal);\n  context.reporter.report({ kind: 'queue_changed' });",
    after: 'entry, result, signal);',
    killedBy: ['tests/views-follow.test.ts'],
  },
  {
    name: 'entries behind an export of a lost ledger are due, so the worker never rests',
    file: 'packages/boat/src/deliver/entry-selector.ts',
    before: 'foreign === undefined ? ledger.queue.waiting() : [foreign];',
    after: 'foreign === undefined ? [] : ledger.queue.waiting();',
    killedBy: ['packages/boat/src/deliver/entry-selector.test.ts'],
  },
];
