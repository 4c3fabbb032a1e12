import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases, openLedgerDatabase } from '../platform/sqlite.ts';
import { writeLedgerOfVersion3 } from '../testing/ledger-of-version-3.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { openLedger } from './ledger.ts';
import { LEDGER_STEPS } from './schema.ts';

const root = temporaryRoot('upgrade');
const databases = createDatabases();
const at = (ms: number): WallMs => ms as WallMs;
const refuseId = (): string => {
  throw new Error('the ledger has its id');
};

function oldLedger(name: string): string {
  const path = join(root, `${name}.db`);
  const database = databases.openLedger(path);
  writeLedgerOfVersion3(database);
  database.close();
  return path;
}

test('a ledger of an older version keeps its entries, parts, cursors, digests and sums', () => {
  const path = oldLedger('kept');
  const database = databases.openLedger(path);
  const ledger = openLedger(database, refuseId);
  const { queue, progress } = ledger;
  assert.equal(database.db.prepare('PRAGMA user_version').get()?.['user_version'], LEDGER_STEPS.length);
  assert.deepEqual(database.db.prepare('PRAGMA foreign_key_check').all(), []);
  assert.deepEqual(queue.counts(), { pending: 1, uploading: 0, completed: 1, failed: 1 });
  assert.deepEqual(queue.get(4), {
    entryNo: 4,
    queueId: 'q_20260220_100504',
    exportId: 'exp_4',
    exportFile: '/x/exports/export_20260220_100504.json',
    exportType: 'incremental',
    trigger: 'scheduled',
    tier: 2,
    sequence: 4,
    categoryCount: 9,
    recordCount: 10,
    categories: { boatlog: { state: 'ok', count: 10 } },
    fileSizeBytes: 1_000,
    createdAtMs: 4_000,
    status: 'pending',
    retryCount: 1,
    nextRetryAtMs: 4_000,
    lastError: undefined,
    partSizeBytes: 100,
    wireSizeBytes: 60,
    completedAtMs: undefined,
    failedAtMs: undefined,
  });
  for (const entryNo of [2, 3, 4]) {
    const entry = queue.get(entryNo);
    assert.equal(queue.findByFile(entry?.exportFile ?? '')?.entryNo, entryNo);
    assert.equal(queue.find(entry?.queueId ?? '')?.entryNo, entryNo);
    assert.equal(queue.findByExportId(`exp_${entryNo}`)?.entryNo, entryNo);
  }
  assert.deepEqual(
    [2, 4].map((entryNo) => queue.parts(entryNo).map(({ acknowledged }) => acknowledged)),
    [
      [true, true],
      [true, false],
    ],
  );
  assert.deepEqual(progress.cursorOf('boatlog', 'main'), { position: 50, check: 'row 50' });
  assert.equal(progress.digestOf('settings', 'settings'), 'd3');
  assert.deepEqual(
    queue.history(10).map(({ exportId }) => exportId),
    ['exp_2', 'exp_1'],
  );
  assert.equal(queue.monthBytes(at(0)), 70);
  assert.deepEqual([ledger.facts.nextSequence(), ledger.slots.claimed()], [6, ['2026-03-29']]);
  ledger.close();
});

test('what waits in a ledger of an older version fails, is retried, delivered and removed as if it were of this one', () => {
  const path = oldLedger('used');
  const ledger = openLedger(databases.openLedger(path), refuseId);
  const { queue, progress } = ledger;
  queue.fail(4, { atMs: at(50), reason: 'no', archiveFile: '/x/failed/q_20260220_100504_failed.json' });
  assert.deepEqual(progress.cursorOf('boatlog', 'main'), { position: 30, check: 'row 30' });
  assert.equal(progress.digestOf('system_alerts', 'a'), undefined);
  queue.forget(3);
  assert.equal(queue.requeue(4, at(60)).entryNo, 4);
  assert.equal(queue.claim(() => true)?.entryNo, 4);
  queue.forget(2);
  assert.deepEqual(queue.parts(2), [], 'the parts of a removed entry go with it');
  const entry = queue.get(4);
  assert.ok(entry !== undefined);
  const made = queue.enqueue({ ...entry, queueId: 'q_new', exportId: 'exp_new', sequence: 6 }, []);
  assert.equal(made.entryNo, 6, 'the number of a removed entry is not given again');
  ledger.close();
  const again = openLedger(databases.openLedger(path), refuseId);
  assert.deepEqual(again.progress.cursorOf('boatlog', 'main'), { position: 30, check: 'row 30' });
  assert.equal(again.queue.counts().pending, 2);
  again.close();
});

test('an upgrade that fails at its commit leaves the ledger as it was, and the next start makes it', () => {
  const path = oldLedger('failed');
  const database = openLedgerDatabase(path, (step) => {
    if (step === 'commit') throw new Error('no power');
  });
  assert.throws(() => openLedger(database, refuseId), /no power/);
  database.close();
  const old = databases.openLedger(path);
  assert.equal(old.db.prepare('PRAGMA user_version').get()?.['user_version'], 3);
  assert.equal(old.db.prepare('SELECT count(*) AS n FROM ranges').get()?.['n'], 3);
  old.close();
  const ledger = openLedger(databases.openLedger(path), refuseId);
  assert.equal(ledger.queue.parts(4).length, 2);
  ledger.close();
});
