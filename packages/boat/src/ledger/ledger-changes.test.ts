import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases, openLedgerDatabase } from '../platform/sqlite.ts';
import { boatlogMove, newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { type Ledger, openLedger } from './ledger.ts';

const root = temporaryRoot('ledger-changes');
const databases = createDatabases();
const WHY = { atMs: 5 as WallMs, reason: 'HTTP 409 LEDGER_DIVERGED' };
const RECEIPT: Receipt = {
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
const delivered = (partIndex: number) => ({
  partIndex,
  receipt: RECEIPT,
  atMs: 2 as WallMs,
  wireSizeBytes: 1,
});

let ids = 0;
const newLedgerId = (): string => String((ids += 1)).padStart(16, '0');
const openAt = (name: string): Ledger =>
  openLedger(databases.openLedger(join(root, `${name}.db`)), newLedgerId);

/** Opens a ledger with a delivered, a failed, a foreign and two waiting exports, the last of which has an acknowledged part. */
function openUsed(name: string): Ledger {
  const ledger = openAt(name);
  const { queue } = ledger;
  queue.enqueue(newEntry(1), [boatlogMove(undefined, 10)]);
  queue.complete(1, delivered(1));
  queue.enqueue(newEntry(2), [boatlogMove(10, 20)]);
  queue.fail(2, { atMs: 3 as WallMs, reason: 'rejected', archiveFile: '/x/2' });
  const alert = { recordId: 'alert', digest: 'd1' };
  queue.enqueue(newEntry(3), [
    boatlogMove(10, 30),
    { category: 'system_alerts', cursors: [], digests: [alert] },
  ]);
  queue.adopt(newEntry(4, { sequence: 0 }));
  queue.enqueue(newEntry(5, { sequence: 4 }), [boatlogMove(30, 40)]);
  queue.plan(5, 100, [
    { index: 1, slices: [] },
    { index: 2, slices: [] },
  ]);
  queue.acknowledge(5, delivered(1));
  return ledger;
}

const numbers = ({ queue }: Ledger) =>
  [1, 2, 3, 4, 5].map((entryNo) => {
    const entry = queue.get(entryNo);
    return [entry?.status, entry?.sequence, entry?.exportId];
  });

test('a new ledger renumbers waiting and failed exports by age under new export IDs, and sends all of their parts again', () => {
  const ledger = openUsed('begin');
  const before = ledger.facts.ledgerId;
  const change = ledger.changes.begin(WHY);
  const { ledgerId } = ledger.facts;
  assert.notEqual(ledgerId, before);
  assert.deepEqual(change, {
    ...WHY,
    oldLedgerId: before,
    newLedgerId: ledgerId,
    renumberedCount: 4,
    hasFullExport: false,
  });
  assert.deepEqual(numbers(ledger), [
    ['completed', 0, 'exp_1'],
    ['failed', 2, `exp_${ledgerId}_2`],
    ['pending', 3, `exp_${ledgerId}_3`],
    ['pending', 1, `exp_${ledgerId}_1`],
    ['pending', 4, `exp_${ledgerId}_4`],
  ]);
  assert.deepEqual(
    ledger.queue.parts(5).map(({ acknowledged }) => acknowledged),
    [false, false],
  );
  assert.equal(ledger.facts.nextSequence(), 5);
  assert.deepEqual(
    ledger.queue.openExports(9).map(({ sequence }) => sequence),
    [4, 3, 2, 1],
  );
  ledger.close();
});

test('after a new ledger begins, every record is due until a full export is queued', () => {
  const ledger = openUsed('due');
  ledger.changes.begin(WHY);
  assert.equal(ledger.progress.cursorOf('boatlog', 'main'), undefined);
  assert.equal(ledger.progress.digestOf('system_alerts', 'alert'), undefined);
  const { ledgerId } = ledger.facts;
  ledger.queue.enqueue(newEntry(6, { sequence: 5, ledgerId }), []);
  assert.equal(ledger.changes.isFullDue(), true, 'an incremental export is not enough');
  ledger.queue.enqueue(newEntry(7, { sequence: 6, ledgerId, exportType: 'full' }), []);
  assert.equal(ledger.changes.isFullDue(), false);
  assert.equal(ledger.changes.list(1)[0]?.hasFullExport, true);
  ledger.close();
});

test('an export in progress when the ledger began is renumbered, moves no cursor, and does not count as the full export', () => {
  const ledger = openUsed('meanwhile');
  const { ledgerId: former } = ledger.facts;
  const found = new Map([['main', ledger.progress.cursorOf('boatlog', 'main')]]);
  const stagedNo = ledger.queue.stageDigests(undefined, 'qr_codes', [{ recordId: 'code', digest: 'd' }]);
  ledger.changes.begin(WHY);
  const { ledgerId } = ledger.facts;
  ledger.facts.skipSequence(former, 40);
  const entry = ledger.queue.enqueue(
    newEntry(6, { sequence: 5, ledgerId: former, exportType: 'full' }),
    [{ ...boatlogMove(40, 50), found }],
    { stagedNo },
  );
  assert.deepEqual([entry.sequence, entry.exportId], [5, `exp_${ledgerId}_5`]);
  assert.equal(ledger.facts.nextSequence(), 6);
  assert.equal(ledger.changes.isFullDue(), true);
  assert.equal(ledger.progress.cursorOf('boatlog', 'main'), undefined);
  assert.equal(ledger.progress.digestOf('qr_codes', 'code'), 'd', 'its records are due in the new ledger');
  ledger.close();
});

test('a power cut while a new ledger is committed leaves either the former ledger or the new one, never a mixture', () => {
  for (const moment of ['commit', 'committed'] as const) {
    openUsed(moment).close();
    const path = join(root, `${moment}.db`);
    let armed = false;
    const database = openLedgerDatabase(path, (reached) => {
      if (armed && reached === moment) throw new Error('power cut');
    });
    const ledger = openLedger(database, newLedgerId);
    const before = { id: ledger.facts.ledgerId, numbers: numbers(ledger) };
    armed = true;
    assert.throws(() => ledger.changes.begin(WHY));
    armed = false;
    ledger.close();
    const after = openAt(moment);
    const isNew = after.facts.ledgerId !== before.id;
    assert.equal(isNew, moment === 'committed');
    assert.equal(after.changes.isFullDue(), isNew);
    if (!isNew) assert.deepEqual(numbers(after), before.numbers);
    assert.equal(after.facts.nextSequence(), 5);
    after.close();
  }
});

test('a second new ledger renumbers the exports again', () => {
  const ledger = openUsed('twice');
  ledger.changes.begin(WHY);
  ledger.queue.complete(4, delivered(1));
  const { newLedgerId: second } = ledger.changes.begin(WHY);
  assert.deepEqual(
    numbers(ledger).map(([, sequence]) => sequence),
    [0, 1, 2, 0, 3],
  );
  assert.equal(ledger.queue.get(3)?.exportId, `exp_${second}_2`);
  assert.equal(ledger.changes.list(9).length, 2);
  ledger.close();
});
