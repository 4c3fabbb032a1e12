import type { Sabotage } from './sabotage.ts';

const DELIVER = 'packages/boat/src/deliver/deliver-entry.ts';
const DELIVER_TESTS = ['packages/boat/src/deliver/deliver-entry.test.ts'];
const GIVE_UP_TESTS = ['packages/boat/src/deliver/give-up.test.ts'];
const RETENTION = 'packages/boat/src/retain/retention.ts';
const RETENTION_TESTS = ['packages/boat/src/retain/retention.test.ts'];

/** What is done on the way from the card to central, and when files go, left out or done too early. */
export const DELIVERY_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'an attempt is spent although nobody answers any more',
    file: 'packages/boat/src/deliver/worker.ts',
    before: 'probed === undefined ? first : confirmUnavailable(first, probed);',
    after: 'first as Verdict;',
    killedBy: ['tests/lost-link.test.ts'],
  },
  {
    name: 'the file of an export that is given up goes at once',
    file: 'packages/boat/src/deliver/give-up.ts',
    before: 'await disk.move(entry.exportFile, archiveFile);',
    after: 'await disk.remove(entry.exportFile);',
    killedBy: GIVE_UP_TESTS,
  },
  {
    name: 'a failed entry forgets where its file is',
    file: 'packages/boat/src/deliver/give-up.ts',
    before: 'archiveFile: isThere ? archiveFile : entry.exportFile,',
    after: 'archiveFile: entry.exportFile,',
    killedBy: GIVE_UP_TESTS,
  },
  {
    name: 'an entry on its way to failed may be claimed',
    file: 'packages/boat/src/deliver/give-up.ts',
    before: 'underWay.add(entry.entryNo);',
    after: '',
    killedBy: GIVE_UP_TESTS,
  },
  {
    name: 'the tier is not asked again before each part',
    file: DELIVER,
    before: "if (refusal !== undefined) return { kind: 'not_permitted', refusal, wireSizeBytes: 0 };",
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: "another boat's export is sent",
    file: DELIVER,
    before: 'if (own === undefined || made === own) return;',
    after: 'if (own !== null) return;',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'an acknowledged part is not written down',
    file: DELIVER,
    before: 'ledger.queue.acknowledge(entry.entryNo, acknowledged);',
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'parts that are cut again begin with the first record',
    file: DELIVER,
    before: 'entry.exportFile, partSizeBytes, fromOffset);',
    after: 'entry.exportFile, partSizeBytes, 0);',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'parts that are cut again leave keys out',
    file: DELIVER,
    before: 'index: acknowledged.length + at + 1, slices',
    after: 'index: parts.length + at + 1, slices',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'what central says it holds counts without its digest',
    file: 'packages/boat/src/deliver/held.ts',
    before: "if (receipt.sha256 !== createHash('sha256').update(body).digest('hex')) continue;",
    after: '',
    killedBy: DELIVER_TESTS,
  },
  {
    name: 'failed exports are removed whether they were delivered or not',
    file: RETENTION,
    before: ': (await findUndelivered(disk, clock, ledger, entry)) === 0;',
    after: ': (await findUndelivered(disk, clock, ledger, entry)) >= 0;',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'a removed failed export has no line in the loss ledger',
    file: RETENTION,
    before: "if (entry.status === 'failed' && !isBeingRemoved(entry))\n",
    after: "if (entry.status === 'pending' && !isBeingRemoved(entry))\n",
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'a failed export whose file is gone stays in the queue for ever, though its loss is written',
    file: RETENTION,
    before: '? isBeingRemoved(entry)',
    after: '? isBeingRemoved(entry) && false',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'a failed export is forgotten because its file is gone, without a line of loss',
    file: RETENTION,
    before: '? isBeingRemoved(entry)',
    after: '? true',
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'the reserve is made of what waits',
    file: RETENTION,
    before: "pickDelivered(ledger.queue.list('completed'), reserveBytes",
    after: "pickDelivered(ledger.queue.list('failed'), reserveBytes",
    killedBy: RETENTION_TESTS,
  },
  {
    name: 'an export is made although the reserve is not free',
    file: RETENTION,
    before: 'if (freeBytes >= reserveBytes) return;\n      throw',
    after: 'if (freeBytes >= 0) return;\n      throw',
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
    name: 'the views are written before a delivery and not after it',
    file: 'packages/boat/src/deliver/worker.ts',
    before: 'return result satisfies never;\n    }\n    listener.queueChanged();',
    after: 'return result satisfies never;\n    }',
    killedBy: ['tests/views-follow.test.ts'],
  },
];
