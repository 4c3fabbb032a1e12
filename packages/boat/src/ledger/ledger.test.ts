import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import fc from 'fast-check';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { boatlogMove, newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import type { CategoryMoves } from './entry.ts';
import { openLedger } from './ledger.ts';
import { toNumberedName, toLegacyTime, toStamp } from './labels.ts';
import { lowerCursor } from './policy.ts';
import { writeViews } from '../views/views.ts';

const root = temporaryRoot('ledger');
const log = createKeptLog();
const databases = createDatabases();
const world = {
  clock: createClock(),
  random: createRandom(),
  disk: createDisk(),
  databases,
  log,
  // The ports that recovery and adoption use.
} as unknown as World;
const at = (ms: number): WallMs => ms as WallMs;

let made = 0;
function freshRoot() {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  return paths;
}
const open = (paths = freshRoot()) =>
  openLedger(databases.openLedger(paths.ledger), () => '00112233445566ff');

const receipt = (exportId: string, n = 3): Receipt => ({
  status: 'success',
  import_id: 'import_1',
  export_id: exportId,
  part: { index: 1, count: 1 },
  sha256: 'a'.repeat(64),
  records_imported: { boatlog: n },
  rejected_records: [{ category: 'boatlog', record_id: '9', reason: 'odd' }],
  duplicate: false,
  timestamp: '2026-01-01T00:00:00Z',
});

test('an entry and its cursors are committed together, and both survive reopening', () => {
  const paths = freshRoot();
  const ledger = open(paths);
  ledger.queue.enqueue(newEntry(1), [boatlogMove(undefined, 40)]);
  ledger.close();
  const again = open(paths);
  assert.equal(again.queue.counts().pending, 1);
  assert.deepEqual(again.progress.cursorOf('boatlog', 'main'), { position: 40, check: 'row 40' });
  assert.equal(again.facts.nextSequence(), 2);
  again.close();
});

test('an entry that cannot be inserted moves no cursor', () => {
  const ledger = open();
  ledger.queue.enqueue(newEntry(1), [boatlogMove(undefined, 40)]);
  assert.throws(() =>
    ledger.queue.enqueue(newEntry(2, { queueId: newEntry(1).queueId }), [boatlogMove(40, 80)]),
  );
  assert.equal(ledger.progress.cursorOf('boatlog', 'main')?.position, 40);
  assert.equal(ledger.facts.nextSequence(), 2);
});

test('a failed entry rewinds its ranges and digests, but later digests stay valid', () => {
  const ledger = open();
  const digests = (pairs: readonly (readonly [string, string])[]): CategoryMoves => ({
    category: 'system_alerts',
    cursors: [],
    digests: pairs.map(([recordId, digest]) => ({ recordId, digest })),
  });
  ledger.queue.enqueue(newEntry(1), [
    boatlogMove(undefined, 40),
    digests([
      ['a', '1'],
      ['b', '1'],
    ]),
  ]);
  ledger.queue.enqueue(newEntry(2), [boatlogMove(40, 80), digests([['b', '2']])]);
  ledger.queue.claim(() => true);
  ledger.queue.fail(1, { atMs: at(5), reason: 'no', archiveFile: '/x/a' });
  assert.equal(ledger.progress.cursorOf('boatlog', 'main'), undefined);
  assert.equal(ledger.progress.digestOf('system_alerts', 'a'), undefined);
  assert.equal(ledger.progress.digestOf('system_alerts', 'b'), '2');
});

test('a range that is rewound while the next export is in progress stays due', () => {
  const ledger = open();
  ledger.queue.enqueue(newEntry(1), [boatlogMove(undefined, 40)]);
  const found = new Map([['main', ledger.progress.cursorOf('boatlog', 'main')]]);
  ledger.queue.fail(1, { atMs: at(5), reason: 'no', archiveFile: '/x/a' });
  ledger.queue.enqueue(newEntry(2), [{ ...boatlogMove(40, 80), found }]);
  assert.equal(ledger.progress.cursorOf('boatlog', 'main'), undefined);
  ledger.queue.enqueue(newEntry(3), [
    { ...boatlogMove(undefined, 80), found: new Map([['main', undefined]]) },
  ]);
  assert.equal(ledger.progress.cursorOf('boatlog', 'main')?.position, 80);
});

test('a cursor keeps its position after its entry is delivered and removed, even after reopening', () => {
  const paths = freshRoot();
  const ledger = open(paths);
  ledger.queue.enqueue(newEntry(1), [boatlogMove(undefined, 40)]);
  ledger.queue.complete(1, { partIndex: 1, receipt: receipt('exp_1'), atMs: at(5), wireSizeBytes: 1 });
  ledger.queue.forget(1);
  ledger.close();
  const again = open(paths);
  assert.deepEqual(again.progress.cursorOf('boatlog', 'main'), { position: 40, check: 'row 40' });
  again.close();
});

test("the cursor is rewound to the start of a failed entry's range and no further, even after reopening", () => {
  const paths = freshRoot();
  const ledger = open(paths);
  ledger.queue.enqueue(newEntry(1), [boatlogMove(undefined, 40)]);
  ledger.queue.enqueue(newEntry(2), [boatlogMove(40, 80)]);
  ledger.queue.fail(2, { atMs: at(5), reason: 'no', archiveFile: '/x/2' });
  assert.deepEqual(ledger.progress.cursorOf('boatlog', 'main'), { position: 40, check: 'row 40' });
  ledger.close();
  const again = open(paths);
  assert.deepEqual(again.progress.cursorOf('boatlog', 'main'), { position: 40, check: 'row 40' });
  again.close();
});

test('after exports, rewinds and removals in any order, with restarts, some export contains every record before the cursor', () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ do: fc.constant('export' as const) }),
    fc.record({ do: fc.constant('fail' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('deliver' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('remove' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('restart' as const) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const paths = freshRoot();
      let ledger = open(paths);
      let rows = 0;
      let n = 0;
      /** The expected cursor, according to the rule for rewound ranges. */
      let cursor: number | undefined;
      const alive = new Map<number, readonly [number, number]>();
      const done: number[] = [];
      const delivered: (readonly [number, number])[] = [];
      for (const act of actions) {
        assert.equal(ledger.progress.cursorOf('boatlog', 'main')?.position, cursor);
        if (act.do === 'grow') rows += act.by;
        if (act.do === 'restart') {
          ledger.close();
          ledger = open(paths);
        }
        if (act.do === 'remove' && done.length > 0) {
          const [removed = 0] = done.splice(act.which % done.length, 1);
          ledger.queue.forget(removed);
          assert.equal(ledger.queue.get(removed), undefined);
        }
        if (act.do === 'export') {
          const from = ledger.progress.cursorOf('boatlog', 'main')?.position;
          if ((from ?? 0) === rows) continue;
          n += 1;
          const unique = { queueId: `q_${n}`, exportId: `exp_${n}` };
          const { entryNo } = ledger.queue.enqueue(newEntry(n, unique), [boatlogMove(from, rows)]);
          assert.equal(entryNo, n, 'no entry number is used twice');
          alive.set(entryNo, [from ?? 0, rows]);
          cursor = rows;
        }
        const pick =
          act.do === 'fail' || act.do === 'deliver' ? [...alive.keys()][act.which % alive.size] : undefined;
        if (pick === undefined) continue;
        const [from, to] = alive.get(pick) ?? [0, 0];
        if (act.do === 'deliver') {
          delivered.push([from, to]);
          ledger.queue.complete(pick, { partIndex: 1, receipt: receipt('x'), atMs: at(1), wireSizeBytes: 1 });
        } else {
          ledger.queue.fail(pick, { atMs: at(0), reason: 'x', archiveFile: `/x/${pick}` });
          cursor = from === 0 || cursor === undefined ? undefined : Math.min(cursor, from);
        }
        alive.delete(pick);
        done.push(pick);
      }
      const position = ledger.progress.cursorOf('boatlog', 'main')?.position ?? 0;
      const carried = [...alive.values(), ...delivered];
      for (let row = 1; row <= position; row += 1)
        assert.ok(
          carried.some(([from, to]) => from < row && row <= to),
          `row ${row} of ${rows} is in no export`,
        );
      ledger.close();
    }),
    { numRuns: 150 },
  );
});

test('the oldest due entry is claimed, and an entry that was uploading at a power cut is pending again', () => {
  const paths = freshRoot();
  const ledger = open(paths);
  for (const n of [1, 2, 3]) ledger.queue.enqueue(newEntry(n), []);
  assert.equal(ledger.queue.claim((entry) => entry.entryNo !== 1)?.entryNo, 2);
  assert.equal(ledger.queue.claim(() => true)?.entryNo, 1);
  ledger.close();
  const again = open(paths);
  assert.deepEqual(
    again.queue.list('pending').map((entry) => entry.entryNo),
    [1, 2, 3],
  );
  again.close();
});

test('history lists a delivered export with the record counts that central reported, summed over its parts', () => {
  const ledger = open();
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.claim(() => true);
  ledger.queue.plan(1, 100, [
    { index: 1, slices: [] },
    { index: 2, slices: [] },
  ]);
  ledger.queue.putBack(1, { spent: 2, nextRetryAtMs: at(9), lastError: 'x', wireSizeBytes: 10, atMs: at(9) });
  ledger.queue.claim(() => true);
  ledger.queue.acknowledge(1, { partIndex: 1, receipt: receipt('exp_1'), atMs: at(10), wireSizeBytes: 20 });
  assert.equal(ledger.queue.get(1)?.retryCount, 0, 'an acknowledged part resets the count');
  ledger.queue.complete(1, { partIndex: 2, receipt: receipt('exp_1', 4), atMs: at(11), wireSizeBytes: 30 });
  const [row] = ledger.queue.history(10);
  assert.deepEqual(row?.recordsImported, { boatlog: 7 });
  assert.equal(row?.rejectedRecords.length, 2);
  assert.equal(row?.wireSizeBytes, 60);
  assert.equal(ledger.queue.counts().completed, 1);
});

test('a smaller plan replaces the open parts and keeps the acknowledged ones', () => {
  const ledger = open();
  ledger.queue.enqueue(newEntry(1), []);
  ledger.queue.plan(
    1,
    100,
    [1, 2, 3].map((index) => ({ index, slices: [] })),
  );
  ledger.queue.acknowledge(1, { partIndex: 1, receipt: receipt('exp_1'), atMs: at(1), wireSizeBytes: 0 });
  ledger.queue.plan(
    1,
    50,
    [2, 3, 4, 5].map((index) => ({ index, slices: [] })),
  );
  assert.deepEqual(
    ledger.queue.parts(1).map(({ index, acknowledged }) => [index, acknowledged]),
    [
      [1, true],
      [2, false],
      [3, false],
      [4, false],
      [5, false],
    ],
  );
});

test('a slot is claimed only once, even after reopening, and in the same commit as its export', () => {
  const paths = freshRoot();
  const ledger = open(paths);
  assert.equal(ledger.slots.claim('2026-03-29', at(1)), true);
  assert.equal(ledger.slots.claim('2026-03-29', at(2)), false);
  ledger.queue.enqueue(newEntry(1), [], { slotId: '2026-03-30' });
  assert.throws(() => ledger.queue.enqueue(newEntry(2), [], { slotId: '2026-03-30' }));
  ledger.close();
  const again = open(paths);
  assert.equal(again.slots.claim('2026-03-29', at(3)), false);
  assert.deepEqual(again.slots.claimed(), ['2026-03-29', '2026-03-30']);
  assert.equal(again.queue.counts().pending, 1, 'no second export is created for the slot');
  again.close();
});

test('a ledger from a newer program is refused and left unchanged', () => {
  const paths = freshRoot();
  const database = databases.openLedger(paths.ledger);
  database.db.exec('PRAGMA user_version = 99');
  assert.throws(
    () => openLedger(database, () => ''),
    (error) => isExportError(error, 'LEDGER_TOO_NEW'),
  );
});

test("the queue view has the legacy exporter's keys in the same order", async () => {
  const paths = freshRoot();
  const ledger = open(paths);
  ledger.queue.enqueue(newEntry(1, { createdAtMs: at(Date.parse('2026-02-20T10:05:30Z')) }), []);
  await writeViews(world, paths, ledger, 'both');
  const view = JSON.parse(readFileSync(paths.queueFile, 'utf8'));
  assert.deepEqual(Object.keys(view), [
    'version',
    'last_updated',
    'pending',
    'uploading',
    'completed',
    'failed',
  ]);
  assert.deepEqual(view.pending, [
    {
      queue_id: 'q_20260220_100531',
      export_file: '/x/export_1.json',
      created_at: '2026-02-20T10:05:30Z',
      tier: 2,
      category_count: 9,
      file_size_bytes: 100,
      status: 'pending',
      retry_count: 0,
      next_retry_at: '2026-02-20T10:05:30Z',
      last_error: null,
    },
  ]);
  assert.deepEqual(JSON.parse(readFileSync(paths.historyFile, 'utf8')), { version: '1.0', exports: [] });
  assert.match(view.last_updated, /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$/);
});

test('the views contain every entry and delivery once, for any number of pages', async () => {
  const paths = freshRoot();
  const ledger = open(paths);
  for (let n = 1; n <= 450; n += 1) {
    ledger.queue.enqueue(newEntry(n, { queueId: `q_${n}`, exportId: `exp_${n}` }), []);
    if (n % 2 === 0) continue;
    const entryNo = ledger.queue.claim((entry) => entry.entryNo === n)?.entryNo ?? 0;
    ledger.queue.complete(entryNo, {
      partIndex: 1,
      receipt: receipt(`exp_${n}`),
      atMs: at(n),
      wireSizeBytes: 1,
    });
  }
  ledger.queue.claim((entry) => entry.entryNo === 2);
  await writeViews(world, paths, ledger, 'both');
  const view = JSON.parse(readFileSync(paths.queueFile, 'utf8'));
  assert.deepEqual(
    [view.pending.length, view.uploading.length, view.completed.length, view.failed.length],
    [224, 1, 225, 0],
  );
  assert.equal(view.uploading[0].queue_id, 'q_2');
  const history = JSON.parse(readFileSync(paths.historyFile, 'utf8'));
  assert.equal(new Set(history.exports.map((row: { queue_id: string }) => row.queue_id)).size, 225);
});

test('file names, times and rewound cursors are formatted and compared as specified', () => {
  assert.equal(toStamp(Date.parse('2026-02-20T10:05:30Z')), '20260220_100530');
  assert.equal(toLegacyTime(Date.parse('2026-02-20T10:05:30.999Z')), '2026-02-20T10:05:30Z');
  assert.deepEqual(
    [1, 2, 3].map((attempt) => toNumberedName('s', attempt)),
    ['s', 's_2', 's_3'],
  );
  const cursor = (position: number) => ({ position, check: '' });
  assert.deepEqual(lowerCursor(cursor(5), cursor(3)), cursor(3));
  assert.deepEqual(lowerCursor(cursor(2), cursor(3)), cursor(2));
  assert.equal(lowerCursor(undefined, cursor(3)), undefined);
  assert.equal(lowerCursor(cursor(2), undefined), undefined);
});
