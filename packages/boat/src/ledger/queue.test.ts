import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import fc from 'fast-check';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import type { NewEntry } from './entry.ts';
import { openLedger } from './ledger.ts';

const root = temporaryRoot('queue');
const databases = createDatabases();
const at = (ms: number): WallMs => ms as WallMs;
const open = (name: string) =>
  openLedger(databases.openLedger(join(root, `${name}.db`)), () => '00112233445566ff');
const newEntry = (n: number): NewEntry => ({
  queueId: `q_${n}`,
  exportId: `exp_${n}`,
  exportFile: `/x/export_${n}.json`,
  exportType: 'incremental',
  trigger: 'manual',
  tier: 2,
  sequence: n,
  categoryCount: 9,
  recordCount: 1,
  categories: {},
  fileSizeBytes: 1,
  createdAtMs: at(n),
});
const receipt: Receipt = {
  status: 'success',
  import_id: 'import_1',
  export_id: 'exp_1',
  part: { index: 1, count: 1 },
  sha256: 'a'.repeat(64),
  records_imported: {},
  rejected_records: [],
  duplicate: false,
  timestamp: '2026-01-01T00:00:00Z',
};

test('entry numbers and sequences are never reused, even after the entry is removed and the ledger is reopened', () => {
  const ledger = open('sequences');
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.complete(1, { partIndex: 1, receipt, atMs: at(2), wireSizeBytes: 1 });
  ledger.queue.forget(1);
  assert.equal(ledger.facts.nextSequence(), 2);
  ledger.close();
  const again = open('sequences');
  assert.equal(again.facts.nextSequence(), 2);
  assert.equal(again.queue.enqueue(newEntry(2), []).entryNo, 2);
  again.close();
});

test('a completed or failed entry can be removed; a pending or uploading one cannot', () => {
  const ledger = open('forget');
  for (const n of [1, 2, 3]) ledger.queue.enqueue(newEntry(n), []);
  ledger.queue.complete(1, { partIndex: 1, receipt, atMs: at(2), wireSizeBytes: 1 });
  ledger.queue.fail(2, { atMs: at(2), reason: 'no', archiveFile: '/x/2' });
  for (const entryNo of [1, 2, 3]) ledger.queue.forget(entryNo);
  assert.deepEqual(ledger.queue.counts(), { pending: 1, uploading: 0, completed: 0, failed: 0 });
  ledger.close();
});

test('an entry that was being sent can be claimed again after a resume', () => {
  const ledger = open('resume');
  ledger.queue.enqueue(newEntry(1), []);
  assert.equal(ledger.queue.claim(() => true)?.status, 'uploading');
  assert.equal(
    ledger.queue.claim(() => true),
    undefined,
    'it cannot be claimed twice',
  );
  ledger.queue.resume();
  assert.equal(ledger.queue.claim(() => true)?.entryNo, 1);
  ledger.close();
});

test('a failed entry that is retried is pending with all its attempts, and is reinstated until it fails again', () => {
  const ledger = open('requeue');
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.claim(() => true);
  ledger.queue.putBack(1, { spent: 3, nextRetryAtMs: at(9), lastError: 'x', wireSizeBytes: 0, atMs: at(9) });
  ledger.queue.fail(1, { atMs: at(10), reason: 'x', archiveFile: '/x/1' });
  const requeued = ledger.queue.requeue(1, at(11));
  assert.deepEqual(
    [requeued.status, requeued.retryCount, requeued.nextRetryAtMs, requeued.failedAtMs],
    ['pending', 0, 11, at(10)],
  );
  assert.deepEqual(ledger.queue.reinstatedSequences(9), [1]);
  ledger.queue.fail(1, { atMs: at(12), reason: 'x', archiveFile: '/x/1' });
  assert.deepEqual(ledger.queue.reinstatedSequences(9), []);
  ledger.close();
});

test('after any sequence of operations and restarts, the oldest waiting entry in a size range is claimed', () => {
  const which = fc.nat(20);
  const action = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('enqueue' as const), size: fc.integer({ min: 1, max: 3 }) }),
    },
    fc.record({ do: fc.constantFrom('complete' as const, 'fail' as const, 'requeue' as const), which }),
    fc.record({ do: fc.constantFrom('forget' as const, 'restart' as const), which }),
  );
  let runs = 0;
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      runs += 1;
      const name = `oldest-${runs}`;
      let ledger = open(name);
      const entries = new Map<number, { status: string; readonly size: number }>();
      let n = 0;
      for (const act of actions) {
        const pick = (...statuses: readonly string[]): number | undefined => {
          const ready = [...entries].filter(([, { status }]) => statuses.includes(status));
          return 'which' in act && ready.length > 0 ? ready[act.which % ready.length]?.[0] : undefined;
        };
        const become = (
          entryNo: number | undefined,
          status: string,
          change: (entryNo: number) => void,
        ): void => {
          const entry = entryNo === undefined ? undefined : entries.get(entryNo);
          if (entryNo === undefined || entry === undefined) return;
          change(entryNo);
          entry.status = status;
        };
        switch (act.do) {
          case 'enqueue':
            n += 1;
            ledger.queue.enqueue({ ...newEntry(n), fileSizeBytes: act.size }, []);
            entries.set(n, { status: 'pending', size: act.size });
            break;
          case 'complete':
            become(pick('pending'), 'completed', (entryNo) =>
              ledger.queue.complete(entryNo, { partIndex: 1, receipt, atMs: at(2), wireSizeBytes: 1 }),
            );
            break;
          case 'fail':
            become(pick('pending'), 'failed', (entryNo) =>
              ledger.queue.fail(entryNo, {
                atMs: at(2),
                reason: 'no',
                archiveFile: `/x/q_${entryNo}_failed.json`,
              }),
            );
            break;
          case 'requeue':
            become(pick('failed'), 'pending', (entryNo) => ledger.queue.requeue(entryNo, at(3)));
            break;
          case 'forget':
            become(pick('completed', 'failed'), 'gone', (entryNo) => ledger.queue.forget(entryNo));
            break;
          case 'restart':
            ledger.close();
            ledger = open(name);
            break;
        }
        const waiting = [...entries].filter(([, { status }]) => status === 'pending');
        assert.deepEqual(
          ledger.queue.list('pending').map(({ entryNo }) => entryNo),
          waiting.map(([entryNo]) => entryNo),
        );
        assert.deepEqual(
          Array.from(ledger.queue.waiting(), ({ entryNo }) => entryNo),
          waiting.map(([entryNo]) => entryNo),
        );
        const count = (status: string): number =>
          [...entries.values()].filter((entry) => entry.status === status).length;
        assert.deepEqual(ledger.queue.counts(), {
          pending: waiting.length,
          uploading: 0,
          completed: count('completed'),
          failed: count('failed'),
        });
        assert.deepEqual(
          ledger.queue.page('pending', 2, 3).map(({ entryNo }) => entryNo),
          waiting
            .map(([entryNo]) => entryNo)
            .filter((entryNo) => entryNo > 2)
            .slice(0, 3),
        );
        assert.equal(
          ledger.queue.waitingBytes(),
          waiting.reduce((sum, [, { size }]) => sum + size, 0),
        );
        for (const size of [1, 2, 3]) {
          const claimed = ledger.queue.claim(() => true, { overBytes: size - 1, upToBytes: size });
          assert.equal(claimed?.entryNo, waiting.find(([, entry]) => entry.size === size)?.[0]);
          if (claimed !== undefined) ledger.queue.unclaim(claimed.entryNo);
        }
      }
      ledger.close();
    }),
    { numRuns: 100 },
  );
});

test('an entry is found by any path of its file, even after the file was moved', () => {
  const ledger = open('files');
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.enqueue({ ...newEntry(2), exportFile: '/x/export_old_abc.json' }, []);
  ledger.queue.enqueue({ ...newEntry(3), exportFile: '/x/export_1.json.part' }, []);
  const found = (file: string): number | undefined => ledger.queue.findByFile(file)?.entryNo;
  assert.deepEqual(
    ['/x/export_1.json', '/x/export_old_abc.json', '/x/export_1.json.part'].map(found),
    [1, 2, 3],
  );
  assert.deepEqual(
    ['/y/export_1.json', '/x/export_2.json', '/x/q_1_failed.json'].map(found),
    Array(3).fill(undefined),
  );
  for (const [n, archiveFile] of [
    [1, '/x/failed/q_1_failed.json'],
    [2, '/x/failed/q_2_failed.json'],
    [3, '/x/failed/else.json'],
  ] as const) {
    ledger.queue.fail(n, { atMs: at(2), reason: 'no', archiveFile });
    assert.equal(found(archiveFile), n);
  }
  assert.equal(found('/x/export_old_abc.json'), undefined);
  ledger.queue.setFile(1, '/z/else.json');
  assert.deepEqual(['/z/else.json', '/x/failed/q_1_failed.json'].map(found), [1, undefined]);
  ledger.close();
});

test('an export that already has an entry is not adopted again', () => {
  const ledger = open('adopted');
  ledger.queue.enqueue(newEntry(1), []);
  assert.equal(ledger.queue.adopt({ ...newEntry(2), exportId: 'exp_1' }), undefined);
  assert.equal(ledger.queue.adopt(newEntry(2))?.entryNo, 2);
  ledger.close();
});

test('exports from other ledgers are listed while they are waiting, and again once they are retried', () => {
  const ledger = open('foreign');
  const foreign = () => Array.from(ledger.queue.waitingOfOtherLedgers(), ({ entryNo }) => entryNo);
  ledger.queue.enqueue(newEntry(1), []);
  assert.deepEqual(foreign(), []);
  for (const n of [2, 3]) ledger.queue.adopt({ ...newEntry(n), sequence: 0 });
  assert.deepEqual(foreign(), [2, 3]);
  for (const n of [2, 3])
    ledger.queue.fail(n, { atMs: at(2), reason: 'no', archiveFile: `/x/q_${n}_failed.json` });
  assert.deepEqual(foreign(), []);
  ledger.queue.requeue(3, at(3));
  assert.deepEqual(foreign(), [3]);
  ledger.close();
});

test('sent bytes count towards their month across failures, completions, clock jumps and restarts', () => {
  const months = [0, 40 * 86_400_000, 80 * 86_400_000].map(at);
  const sending = fc.record({
    month: fc.nat(2),
    bytes: fc.nat(50),
    how: fc.constantFrom('complete' as const, 'put back' as const, 'restart' as const),
  });
  let runs = 0;
  fc.assert(
    fc.property(fc.array(sending, { maxLength: 25 }), (sendings) => {
      runs += 1;
      const name = `months-${runs}`;
      let ledger = open(name);
      const sent = [0, 0, 0];
      let n = 0;
      for (const { month, bytes, how } of sendings) {
        const atMs = months[month] ?? at(0);
        if (how === 'restart') {
          ledger.close();
          ledger = open(name);
          continue;
        }
        n += 1;
        const { entryNo } = ledger.queue.enqueue(newEntry(n), []);
        if (how === 'complete')
          ledger.queue.complete(entryNo, { partIndex: 1, receipt, atMs, wireSizeBytes: bytes });
        else
          ledger.queue.putBack(entryNo, { nextRetryAtMs: atMs, lastError: 'x', wireSizeBytes: bytes, atMs });
        sent[month] = (sent[month] ?? 0) + bytes;
        assert.deepEqual(
          months.map((each) => ledger.queue.monthBytes(each)),
          sent,
        );
      }
      ledger.close();
      ledger = open(name);
      assert.deepEqual(
        months.map((each) => ledger.queue.monthBytes(each)),
        sent,
      );
      ledger.close();
    }),
    { numRuns: 100 },
  );
});
