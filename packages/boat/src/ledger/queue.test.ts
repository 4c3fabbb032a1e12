import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
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

test('a sequence that was given is never given again, also when its entry was forgotten and the ledger reopened', () => {
  const ledger = open('sequences');
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.complete(1, { partIndex: 1, receipt, atMs: at(2), wireSizeBytes: 1 });
  ledger.queue.forget(1);
  assert.equal(ledger.facts.nextSequence(), 2);
  ledger.close();
  const again = open('sequences');
  assert.equal(again.facts.nextSequence(), 2);
  again.close();
});

test('what waits or is being sent cannot be forgotten; what is delivered or failed can', () => {
  const ledger = open('forget');
  for (const n of [1, 2, 3]) ledger.queue.enqueue(newEntry(n), []);
  ledger.queue.complete(1, { partIndex: 1, receipt, atMs: at(2), wireSizeBytes: 1 });
  ledger.queue.fail(2, { atMs: at(2), reason: 'no', archiveFile: '/x/2' });
  for (const entryNo of [1, 2, 3]) ledger.queue.forget(entryNo);
  assert.deepEqual(ledger.queue.counts(), { pending: 1, uploading: 0, completed: 0, failed: 0 });
  ledger.close();
});

test('what was being sent can be claimed again after a resume', () => {
  const ledger = open('resume');
  ledger.queue.enqueue(newEntry(1), []);
  assert.equal(ledger.queue.claim(() => true)?.status, 'uploading');
  assert.equal(
    ledger.queue.claim(() => true),
    undefined,
    'nobody else claims it meanwhile',
  );
  ledger.queue.resume();
  assert.equal(ledger.queue.claim(() => true)?.entryNo, 1);
  ledger.close();
});

test('a failed entry that is requeued waits with all its attempts', () => {
  const ledger = open('requeue');
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.claim(() => true);
  ledger.queue.putBack(1, { spent: 3, nextRetryAtMs: at(9), lastError: 'x', wireSizeBytes: 0, atMs: at(9) });
  ledger.queue.fail(1, { atMs: at(10), reason: 'x', archiveFile: '/x/1' });
  const requeued = ledger.queue.requeue(1, at(11));
  assert.deepEqual(
    [requeued.status, requeued.retryCount, requeued.nextRetryAtMs, requeued.failedAtMs],
    ['pending', 0, 11, undefined],
  );
  ledger.close();
});
