import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import type { WallMs } from '../platform/ports.ts';
import { createDatabases, openLedgerDatabase } from '../platform/sqlite.ts';
import { boatlogMove, newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import type { CategoryMoves } from './entry.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { isReportDue } from './policy.ts';

const root = temporaryRoot('missing-exports');
const databases = createDatabases();
const DAY_MS = 24 * 3_600_000;
const NOTHING = { requeued: [], rewound: [] };

let ids = 0;
const newLedgerId = (): string => String((ids += 1)).padStart(16, '0');
const openAt = (name: string): Ledger =>
  openLedger(databases.openLedger(join(root, `${name}.db`)), newLedgerId);

const toReceipt = (n: number): Receipt => ({
  status: 'success',
  import_id: `import_${n}`,
  export_id: `exp_${n}`,
  part: { index: 1, count: 1 },
  sha256: 'a'.repeat(64),
  records_imported: {},
  rejected_records: [],
  duplicate: false,
  timestamp: '2026-01-01T00:00:00Z',
});

/** Returns the acknowledgement of a part of the `n`-th export, with the sequences that central reports as missing. */
const answer = (n: number, missing?: readonly number[], atMs = 10, partIndex = 1) => ({
  partIndex,
  receipt: toReceipt(n),
  atMs: atMs as WallMs,
  wireSizeBytes: 1,
  missing,
});
const alert = (n: number): CategoryMoves => ({
  category: 'system_alerts',
  cursors: [],
  digests: [{ recordId: `alert ${n}`, digest: `digest ${n}` }],
});

/** Queues the `n`-th export with the boatlog rows from 10 (n - 1) to 10 n and one alert. */
const enqueue = ({ queue }: Ledger, n: number): void => {
  queue.enqueue(newEntry(n), [boatlogMove(n === 1 ? undefined : 10 * (n - 1), 10 * n), alert(n)]);
};
const deliver = (ledger: Ledger, n: number, missing?: readonly number[], atMs?: number) =>
  ledger.queue.complete(n, answer(n, missing, atMs)).report;

/** Opens a ledger with `count` delivered exports. The entries and files of the first `removed` were removed. */
function openDelivered(name: string, count: number, removed = 0): Ledger {
  const ledger = openAt(name);
  for (let n = 1; n <= count; n += 1) {
    enqueue(ledger, n);
    deliver(ledger, n, []);
  }
  for (let n = 1; n <= removed; n += 1) ledger.queue.forget(n);
  return ledger;
}
const statuses = ({ queue }: Ledger, through: number) =>
  Array.from({ length: through }, (_, index) => queue.get(index + 1)?.status);
const positionOf = ({ progress }: Ledger) => progress.cursorOf('boatlog', 'main')?.position;
const alertsDue = ({ progress }: Ledger, through: number) =>
  Array.from({ length: through }, (_, index) => index + 1).filter(
    (n) => progress.digestOf('system_alerts', `alert ${n}`) === undefined,
  );

test('a delivered export that central has lost is requeued under its old keys, and its second delivery replaces the first', () => {
  const ledger = openDelivered('requeued', 2);
  const { queue } = ledger;
  enqueue(ledger, 3);
  assert.deepEqual(deliver(ledger, 3, [1, 2]), { requeued: [1, 2], rewound: [] });
  assert.deepEqual(statuses(ledger, 3), ['pending', 'pending', 'completed']);
  assert.deepEqual([queue.get(1)?.exportId, queue.get(1)?.retryCount], ['exp_1', 0]);
  assert.equal(positionOf(ledger), 30, 'nothing is rewound, because the files are on the card');
  assert.deepEqual(queue.missingTotals(), { requeued: 2, rewound: 0, lastReportedAtMs: 10 });
  deliver(ledger, 1, [], 20);
  deliver(ledger, 2, [], 21);
  assert.deepEqual(
    queue.history(9).map(({ exportId, completedAtMs }) => [exportId, completedAtMs]),
    [
      ['exp_2', 21],
      ['exp_1', 20],
      ['exp_3', 10],
    ],
  );
  assert.equal(queue.deliveredTotals().exportCount, 3);
  ledger.close();
});

test('the parts of a requeued export keep their slices and lose their receipts, and the boat queries what central holds', () => {
  const ledger = openAt('parts');
  const { queue } = ledger;
  enqueue(ledger, 1);
  const slices = [[{ offset: 5, length: 9, count: 2 }], [{ offset: 14, length: 8, count: 1 }]];
  queue.plan(
    1,
    10,
    slices.map((of, at) => ({ index: at + 1, slices: of as never })),
  );
  queue.acknowledge(1, answer(1));
  queue.complete(1, answer(1, undefined, 10, 2));
  enqueue(ledger, 2);
  deliver(ledger, 2, [1]);
  assert.deepEqual(queue.parts(1), [
    { index: 1, slices: slices[0], acknowledged: false },
    { index: 2, slices: slices[1], acknowledged: false },
  ]);
  assert.equal(queue.get(1)?.partSizeBytes, 10);
  assert.ok(ledger.bundled.has('exp_1'));
  ledger.close();
});

test('an export that was sent as one part is sent as one part again, whatever the current part size', () => {
  const ledger = openDelivered('whole', 1);
  enqueue(ledger, 2);
  deliver(ledger, 2, [1]);
  assert.equal(ledger.queue.get(1)?.partSizeBytes, ledger.queue.get(1)?.fileSizeBytes);
  assert.ok(!ledger.bundled.has('exp_1'), 'central lacks its only part');
  ledger.close();
});

test('if the file is gone, the ranges are rewound, and documents withdraw the sequence until central stops listing it', () => {
  const ledger = openDelivered('rewound', 5, 3);
  const { queue } = ledger;
  enqueue(ledger, 6);
  assert.deepEqual(deliver(ledger, 6, [2, 3, 5]), { requeued: [5], rewound: [2, 3] });
  assert.equal(positionOf(ledger), 10, 'the cursor is at the start of the lowest range');
  assert.deepEqual(alertsDue(ledger, 6), [2, 3]);
  assert.deepEqual(queue.lapsedSequences(9), [2, 3]);
  assert.deepEqual(queue.lapsedSequences(1), [2]);
  // The resent export has a higher sequence, and central still lists the sequence whose withdrawal it has not received.
  assert.deepEqual(deliver(ledger, 5, [3]), NOTHING);
  assert.deepEqual(queue.lapsedSequences(9), [3]);
  enqueue(ledger, 7);
  deliver(ledger, 7, []);
  assert.deepEqual(queue.lapsedSequences(9), []);
  ledger.close();
});

test('ranges are rewound only once, even if central reports the same export or later removed ones again', () => {
  const ledger = openDelivered('once', 6, 5);
  enqueue(ledger, 7);
  deliver(ledger, 7, [2]);
  assert.equal(positionOf(ledger), 10);
  ledger.queue.enqueue(newEntry(8), [boatlogMove(10, 80)]);
  assert.deepEqual(deliver(ledger, 8, [2, 3, 4, 5], 10 + 3 * DAY_MS), NOTHING);
  assert.equal(positionOf(ledger), 80);
  assert.deepEqual(ledger.queue.lapsedSequences(9), [2, 3, 4, 5]);
  assert.deepEqual(ledger.queue.missingTotals(), { requeued: 0, rewound: 1, lastReportedAtMs: 10 });
  ledger.close();
});

test('an export is requeued at most once a day, and a wrong clock does not prolong the wait', () => {
  const ledger = openDelivered('daily', 1);
  for (const n of [2, 3, 4]) enqueue(ledger, n);
  assert.deepEqual(deliver(ledger, 2, [1], 1_000)?.requeued, [1]);
  deliver(ledger, 1, [], 2_000);
  assert.deepEqual(deliver(ledger, 3, [1], 1_000 + DAY_MS - 1), NOTHING);
  assert.equal(ledger.queue.get(1)?.status, 'completed');
  assert.deepEqual(deliver(ledger, 4, [1], 1_000 + DAY_MS)?.requeued, [1]);
  ledger.close();
  assert.deepEqual(
    [isReportDue(undefined, 0), isReportDue(5 * DAY_MS, 5), isReportDue(5, 6), isReportDue(5, 5 + DAY_MS)],
    [true, true, false, true],
  );
});

test('a list that contains no export that central can have lost changes nothing', () => {
  const ledger = openDelivered('nonsense', 1);
  const { queue } = ledger;
  enqueue(ledger, 2);
  enqueue(ledger, 3);
  queue.fail(3, { atMs: 5 as WallMs, reason: 'rejected', archiveFile: '/x/3' });
  const position = positionOf(ledger);
  enqueue(ledger, 4);
  enqueue(ledger, 5);
  // A waiting export, a failed one, the export itself, a later one, and one that was never created.
  assert.deepEqual(deliver(ledger, 4, [2, 3, 4, 5, 6, 9_007_199_254_740_991]), NOTHING);
  assert.deepEqual(statuses(ledger, 5), ['completed', 'pending', 'failed', 'completed', 'pending']);
  assert.equal(positionOf(ledger), 50);
  assert.notEqual(position, 50);
  assert.deepEqual(queue.lapsedSequences(9), []);
  assert.deepEqual(queue.missingTotals(), { requeued: 0, rewound: 0, lastReportedAtMs: undefined });
  ledger.close();
});

test('an answer without a list, or about an export from another ledger, changes nothing in this ledger', () => {
  const ledger = openDelivered('other', 2, 1);
  const { queue } = ledger;
  enqueue(ledger, 3);
  deliver(ledger, 3, [1]);
  enqueue(ledger, 4);
  assert.equal(deliver(ledger, 4, undefined), undefined);
  queue.adopt(newEntry(5, { sequence: 0 }));
  assert.equal(deliver(ledger, 5, [2]), undefined);
  assert.equal(queue.get(2)?.status, 'completed');
  assert.deepEqual(queue.lapsedSequences(9), [1]);
  ledger.close();
});

test("after the ledger has diverged, lists refer to the new ledger's sequences", () => {
  const ledger = openDelivered('diverged', 3, 2);
  enqueue(ledger, 4);
  ledger.changes.begin({ atMs: 5 as WallMs, reason: 'HTTP 409' });
  ledger.queue.enqueue(newEntry(5, { sequence: 2 }), [boatlogMove(undefined, 60)]);
  assert.deepEqual(deliver(ledger, 5, [1]), NOTHING);
  assert.equal(ledger.queue.get(3)?.status, 'completed', 'its sequence belongs to the former ledger');
  assert.equal(positionOf(ledger), 60);
  ledger.close();
});

test('a failed export leaves no ranges when it is removed, and a delivered one keeps them', () => {
  const ledger = openDelivered('kept', 2, 1);
  const { queue } = ledger;
  enqueue(ledger, 3);
  queue.fail(3, { atMs: 5 as WallMs, reason: 'rejected', archiveFile: '/x/3' });
  queue.forget(3);
  queue.enqueue(newEntry(4), [boatlogMove(20, 40)]);
  assert.deepEqual(deliver(ledger, 4, [3]), NOTHING);
  assert.equal(positionOf(ledger), 40);
  assert.deepEqual(queue.lapsedSequences(9), [3], 'it is withdrawn, because it will never arrive');
  ledger.close();
});

test('a power cut at the commit leaves neither the receipt nor the requeued export', () => {
  const path = join(root, 'cut.db');
  const first = openDelivered('cut', 1);
  enqueue(first, 2);
  first.close();
  let isCut = false;
  const database = openLedgerDatabase(path, (step) => {
    if (step === 'commit' && isCut) throw new Error('no power');
  });
  const ledger = openLedger(database, newLedgerId);
  isCut = true;
  assert.throws(() => deliver(ledger, 2, [1]), /no power/);
  database.close();
  const again = openAt('cut');
  assert.deepEqual(statuses(again, 2), ['completed', 'pending']);
  again.close();
});

test('in a ledger from an earlier version, exports without stored ranges are rewound to the start', () => {
  const ledger = openDelivered('earlier', 4, 2);
  ledger.close();
  const database = databases.openLedger(join(root, 'earlier.db'));
  database.db.exec('UPDATE removed_exports SET entry_no = NULL; DELETE FROM ranges WHERE entry_no <= 2');
  database.close();
  const again = openAt('earlier');
  enqueue(again, 5);
  assert.deepEqual(deliver(again, 5, [2]), { requeued: [], rewound: [2] });
  assert.equal(positionOf(again), undefined);
  assert.deepEqual(alertsDue(again, 5), [1, 2]);
  again.close();
});
