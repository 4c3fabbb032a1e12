import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { isExportError } from '../platform/errors.ts';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { createDatabases, openLedgerDatabase } from '../platform/sqlite.ts';
import {
  EARLIER_VERSIONS,
  type EarlierVersion,
  type Observed,
  writeEarlierLedger,
} from '../testing/earlier-ledger.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { LEDGER_STEPS } from './schema.ts';

const root = temporaryRoot('upgrade');
const databases = createDatabases();
const at = (ms: number): WallMs => ms as WallMs;
const AT_MS = at(Date.UTC(2026, 1, 20, 10, 5));
const refuseId = (): string => {
  throw new Error('the ledger has its ID');
};

interface Earlier {
  readonly path: string;
  readonly observed: Observed;
}

function earlierLedger(name: string, version: EarlierVersion): Earlier {
  const path = join(root, `${name}-${version}.db`);
  const database = databases.openLedger(path);
  const observed = writeEarlierLedger(database, version);
  database.close();
  return { path, observed };
}
const open = (path: string): { readonly database: LedgerDatabase; readonly ledger: Ledger } => {
  const database = databases.openLedger(path);
  return { database, ledger: openLedger(database, refuseId) };
};
const versionOf = ({ db }: LedgerDatabase): unknown =>
  db.prepare('PRAGMA user_version').get()?.['user_version'];

/** Reads the ledger with this version's code, as `Observed`. */
function observe({ queue, progress, facts, slots }: Ledger): Observed {
  return JSON.parse(
    JSON.stringify({
      ledgerId: facts.ledgerId,
      nextSequence: facts.nextSequence(),
      entries: [1, 2, 3, 4, 5, 6, 7].map((entryNo) => queue.get(entryNo) ?? null),
      parts: [2, 5].map((entryNo) => queue.parts(entryNo).map(({ acknowledged }) => acknowledged)),
      cursors: ['main', 'other'].map((source) => progress.cursorOf('boatlog', source) ?? null),
      settings: progress.digestOf('settings', 'settings'),
      alerts: [1, 2, 3, 4, 5, 6, 7].map((n) => progress.digestOf('system_alerts', `alert ${n}`) ?? null),
      monthBytes: queue.monthBytes(AT_MS),
      history: queue.history(10).map(({ exportId }) => exportId),
      losses: queue.losses(),
      slots: slots.claimed(),
    }),
  ) as Observed;
}

for (const version of EARLIER_VERSIONS) {
  test(`a ledger of version ${version} keeps its entries, parts, cursors, digests, totals, losses and slots`, () => {
    const { path, observed } = earlierLedger('kept', version);
    const { database, ledger } = open(path);
    const { queue } = ledger;
    assert.equal(versionOf(database), LEDGER_STEPS.length);
    assert.deepEqual(database.db.prepare('PRAGMA foreign_key_check').all(), []);
    assert.equal(database.db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'], 'ok');
    const entries = observed.entries.map((entry) => {
      if (entry === null) return null;
      // The simulated power cut ended the upload. Earlier versions did not count refusals by an intermediary.
      const status = entry['status'] === 'uploading' ? 'pending' : entry['status'];
      return { ...entry, status, refusalCount: 0 };
    });
    assert.deepEqual(observe(ledger), { ...observed, entries });
    assert.deepEqual(queue.counts(), { pending: 3, uploading: 0, completed: 1, failed: 2 });
    assert.equal(queue.waitingBytes(), 3_018);
    for (const entryNo of [2, 3, 4, 5, 6, 7]) {
      const entry = queue.get(entryNo);
      assert.equal(queue.findByFile(entry?.exportFile ?? '')?.entryNo, entryNo);
      assert.equal(queue.find(entry?.queueId ?? '')?.entryNo, entryNo);
      assert.equal(queue.findByExportId(`exp_${entryNo}`)?.entryNo, entryNo);
    }
    // Of the failed exports, only the one with a recorded loss is being removed.
    assert.deepEqual(
      [3, 4].map((entryNo) => queue.hasRemovalBegun(entryNo)),
      [false, true],
    );
    if (version >= 4)
      assert.deepEqual(
        ['exp_3', 'exp_4', 'exp_5'].map((exportId) => ledger.bundled.has(exportId)),
        [true, false, true],
      );
    ledger.close();
  });

  test(`entries in a ledger of version ${version} can fail, be retried, be delivered and be removed as usual`, () => {
    const { path, observed } = earlierLedger('used', version);
    const { ledger } = open(path);
    const { queue, progress } = ledger;
    while (progress.digests.purge());
    assert.equal(progress.digestOf('settings', 'settings'), observed.settings);
    const before = progress.cursorOf('boatlog', 'main')?.position ?? 0;
    queue.fail(7, { atMs: at(50), reason: 'no', archiveFile: '/x/failed/q_20260220_100507_failed.json' });
    assert.equal(progress.cursorOf('boatlog', 'main')?.position, before - 10);
    assert.equal(progress.digestOf('system_alerts', 'alert 7'), undefined);
    queue.forget(7);
    queue.requeue(4, at(60));
    assert.deepEqual(
      queue.losses().map(({ what }) => what),
      ['browser notes'],
      'a retried export is not a loss',
    );
    queue.forget(2);
    assert.deepEqual(queue.parts(2), [], 'the parts of a removed entry are also removed');
    assert.equal(queue.claim(() => true)?.entryNo, 4);
    const sequence = ledger.facts.nextSequence();
    const entry = queue.get(5);
    assert.ok(entry !== undefined);
    const made = queue.enqueue({ ...entry, queueId: 'q_new', exportId: 'exp_new', sequence }, []);
    assert.ok(made.entryNo > 7, "a removed entry's number is not reused");
    ledger.close();
    const again = open(path).ledger;
    assert.equal(again.facts.nextSequence(), observed.nextSequence + 1);
    assert.deepEqual(again.queue.counts(), { pending: 4, uploading: 0, completed: 0, failed: 1 });
    again.close();
  });

  test(`an upgrade from version ${version} that fails at a commit keeps the version it reached, and the next start continues`, () => {
    const { path, observed } = earlierLedger('failed', version);
    for (let reached: number = version; reached < LEDGER_STEPS.length; reached += 1) {
      let commits = 0;
      const database = openLedgerDatabase(path, (step) => {
        if (step === 'commit') commits += 1;
        if (step === 'commit' && commits === 2) throw new Error('no power');
      });
      if (reached + 1 < LEDGER_STEPS.length) assert.throws(() => openLedger(database, refuseId), /no power/);
      else openLedger(database, refuseId);
      assert.equal(versionOf(database), reached + 1);
      database.close();
    }
    const { ledger } = open(path);
    assert.deepEqual(observe(ledger).cursors, observed.cursors);
    ledger.close();
  });
}

test('a ledger with a newer version is refused and left unchanged', () => {
  const path = join(root, 'newer.db');
  const { database, ledger } = (() => {
    const opened = databases.openLedger(path);
    return { database: opened, ledger: openLedger(opened, () => '00112233445566ff') };
  })();
  database.db.exec(`PRAGMA user_version = ${LEDGER_STEPS.length + 1}`);
  ledger.close();
  const again = databases.openLedger(path);
  assert.throws(
    () => openLedger(again, refuseId),
    (error) => isExportError(error, 'LEDGER_TOO_NEW'),
  );
  assert.equal(versionOf(again), LEDGER_STEPS.length + 1);
  again.close();
});
