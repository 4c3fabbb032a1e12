import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import type { Clock, Disk, WallMs } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { openLedgerDatabase } from '../platform/sqlite.ts';
import { cutFile } from '../spool/cut.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { createPower, PowerCut } from '../testing/power-cut.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { importLegacyQueue } from './import-legacy-queue.ts';
import { type Ledger, openLedger } from '../ledger/ledger.ts';
import { recover } from './recover.ts';
import { writeViews } from '../views/views.ts';

const root = join(temporaryRoot('import-old-queue'), 'boat');
const paths = toSpoolPaths(root);
const BOAT = '0123456789abcdef';
const NOW = Date.parse('2026-11-23T10:00:00Z') as WallMs;
const clock: Clock = { ...createClock(), wall: () => NOW };

/**
 * Performs the import and recovery of a first start, which a power cut ends after `stepsMax` steps. Returns the number of steps.
 */
async function start(
  stepsMax = Number.POSITIVE_INFINITY,
  log = createKeptLog(),
  wrap = (disk: Disk): Disk => disk,
) {
  const power = createPower(paths.ledger, stepsMax);
  let ledger: Ledger | undefined;
  try {
    ledger = power.openLedger();
    const world = { clock, disk: wrap(power.disk), random: createRandom(), log };
    const report = await importLegacyQueue(world, paths, ledger);
    const recovery = await recover(world, paths, ledger);
    return { kind: 'started' as const, report, recovery, steps: power.steps() };
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return { kind: 'cut' as const };
  } finally {
    ledger?.close();
  }
}

function put(name: string, content: unknown): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return path;
}

function freshBoat(): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(paths.exports, { recursive: true });
  put('config/license.json', { installation_id: BOAT, tier: 2 });
}

const document = (n: number, over: Readonly<Record<string, unknown>> = {}) => ({
  installation_id: BOAT,
  export_timestamp: `2026-02-20T10:05:3${n}Z`,
  format_version: '1.0',
  data: {
    boatlog: {
      category: 'boatlog',
      entry_count: 1,
      entries: [{ entry_id: n, timestamp: 't', type: 'text', content: `no ${n}` }],
    },
  },
  ...over,
});
const item = (n: number, file: string, status = 'pending') => ({
  queue_id: `q_20260220_10053${n}`,
  export_file: file,
  created_at: `2026-02-20T10:05:3${n}Z`,
  tier: 2,
  category_count: 9,
  file_size_bytes: 1,
  status,
  retry_count: 2,
  next_retry_at: '2026-02-20T10:05:30Z',
  last_error: null,
});

function entries(): readonly Readonly<Record<string, unknown>>[] {
  const ledger = openLedger(openLedgerDatabase(paths.ledger), () => '');
  const found = (['pending', 'uploading', 'completed', 'failed'] as const).flatMap((status) =>
    ledger.queue.list(status),
  );
  ledger.close();
  return found.map(({ entryNo, exportFile, ...entry }) => ({
    entryNo,
    ...entry,
    exportFile: relative(root, exportFile),
  }));
}

/** Returns the result of a first start: the entries, and all files except the ledger, with their content. */
function state() {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('exports.db') && statSync(join(root, name)).isFile())
    .sort()
    .map((name) => [name, readFileSync(join(root, name), 'utf8')]);
  return { entries: entries(), files };
}

function recordIds(): readonly string[] {
  return entries()
    .flatMap(
      ({ exportFile }) =>
        JSON.parse(readFileSync(join(root, String(exportFile)), 'utf8')).data.boatlog.entries,
    )
    .map((entry: { record_id: string }) => entry.record_id)
    .sort();
}

/** Creates a boat with every kind of item that a legacy queue can contain. */
function writeFullBoat(): void {
  freshBoat();
  const inline = {
    type: 'boatlog',
    timestamp: '2026-02-20T09:00:00Z',
    attempts: 1,
    status: 'pending',
    next_retry: null,
    last_error: null,
  };
  put('data/exports/export_queue.json', {
    version: '1.0',
    pending: [
      item(1, put('data/exports/exports/export_20260220_100531.json', document(1))),
      item(2, put('data/exports/loose_2.json', document(2))),
      { ...inline, id: 'x', data: [{ entry_id: 20, timestamp: 't' }] },
      { ...inline, id: 'y', data: { entry_id: 21, timestamp: 't' } },
      { ...inline, id: 'z', type: 'full', data: document(6) },
      item(9, '/boat/nowhere.json'),
    ],
    uploading: [item(3, put('data/old/export_3.json', document(3)), 'uploading')],
    completed: [item(4, put('data/exports/exports/export_20260220_100534.json', document(4)), 'completed')],
    failed: [
      item(5, join(paths.exports, 'export_20260220_100535.json'), 'failed'),
      item(8, put('data/exports/exports/bad.json', '{"installation_id')),
    ],
  });
  put('data/exports/failed_exports/q_20260220_100535_failed.json', document(5));
  put('data/exports/export_history.json', {
    version: '1.0',
    exports: [item(4, join(paths.exports, 'export_20260220_100534.json'), 'completed')],
  });
  put('data/exports/exports/export_20260220_100537.json', document(7, { installation_id: undefined }));
  put('data/exports/exports/.half.tmp', 'x');
  put(
    'data/exports/exports/partly.json',
    document(8, { data: { boatlog: { entries: [{ entry_id: 8, timestamp: 't' }, 'odd'] } } }),
  );
}

test('every export in a legacy queue is queued once, oldest first, with its ID, tier and time, and the legacy files are kept', async () => {
  writeFullBoat();
  const queueText = readFileSync(paths.queueFile, 'utf8');
  const historyText = readFileSync(paths.historyFile, 'utf8');
  const started = await start();
  assert.ok(started.kind === 'started');
  const { kept, ...counts } = started.report;
  assert.deepEqual(counts, { imported: 7, known: 1, missing: 1, unusable: 0, quarantined: 1, postponed: 0 });
  assert.deepEqual(kept, [`${paths.queueFile}.before-import`, `${paths.historyFile}.before-import`]);
  assert.equal(readFileSync(`${paths.queueFile}.before-import`, 'utf8'), queueText);
  assert.equal(readFileSync(`${paths.historyFile}.before-import`, 'utf8'), historyText);
  assert.deepEqual(
    entries().map((entry) => [entry['queueId'], entry['tier'], entry['status'], entry['createdAtMs']]),
    [
      ['q_20260220_090000', 1, 'pending', Date.parse('2026-02-20T09:00:00Z')],
      ['q_20260220_090000_2', 1, 'pending', Date.parse('2026-02-20T09:00:00Z')],
      ...[1, 2, 3, 4, 5].map((n) => [
        `q_20260220_10053${n}`,
        2,
        'pending',
        Date.parse(`2026-02-20T10:05:3${n}Z`),
      ]),
      ['q_20260220_100537', 1, 'pending', Date.parse('2026-02-20T10:05:37Z')],
      ['q_20260220_100538', 1, 'pending', Date.parse('2026-02-20T10:05:38Z')],
    ],
  );
  assert.deepEqual(recordIds(), ['1@t', '20@t', '21@t', '2@t', '3@t', '4@t', '5@t', '6@t', '7@t', '8@t']);
  assert.deepEqual(readdirSync(paths.damaged).sort(), ['bad.json', 'partly.json']);
  assert.ok(
    existsSync(join(root, 'data/old/export_3.json')),
    'does not move a file outside the exports folder',
  );
  for (const { exportFile } of entries())
    await cutFile(createDisk(), clock, join(root, String(exportFile)), 100);
});

test('an import has the same result after the next start if it is interrupted at any change to the disk or the ledger', async () => {
  writeFullBoat();
  const whole = await start();
  assert.ok(whole.kind === 'started' && whole.steps > 60);
  const expected = state();
  for (let steps = 0; steps < whole.steps; steps += 1) {
    writeFullBoat();
    assert.equal((await start(steps)).kind, 'cut', `step ${steps}`);
    // In every third run the second start is also interrupted.
    if (steps % 3 === 0) await start(Math.floor(steps / 2));
    assert.equal((await start()).kind, 'started');
    assert.deepEqual(state(), expected, `cut at step ${steps} of ${whole.steps}`);
  }
});

test('the import happens only once, and a queue file written later is a view and is not imported', async () => {
  writeFullBoat();
  await start();
  const before = entries();
  put('data/exports/export_queue.json', { pending: [item(0, put('data/later.json', document(0)))] });
  const again = await start();
  assert.ok(again.kind === 'started');
  assert.deepEqual([again.report.imported, again.report.kept], [0, []]);
  assert.deepEqual(entries(), before);
});

test('a damaged queue file is quarantined unchanged, and its complete items are imported', async () => {
  freshBoat();
  const text = JSON.stringify([
    { id: 1, type: 'boatlog', data: [{ entry_id: 1, timestamp: 't' }], status: 'pending' },
    { id: 2, type: 'boatlog', data: [{ entry_id: 2, timestamp: 't' }], status: 'pending' },
  ]);
  put('data/exports/export_queue.json', text.slice(0, -20));
  const log = createKeptLog();
  const started = await start(undefined, log);
  assert.ok(started.kind === 'started' && started.report.imported === 1);
  assert.equal(readFileSync(`${paths.queueFile}.before-import`, 'utf8'), text.slice(0, -20));
  assert.deepEqual(recordIds(), ['1@t']);
  assert.ok(log.lines.some((line) => line.includes('damaged; 1 complete')));
});

for (const [name, content] of [
  ['empty', ''],
  ['zeros', '\0'.repeat(100)],
  ['not a queue', '{"some":"thing"}'],
] as const)
  test(`a queue file that is ${name} is kept and never overwritten, and the exports on disk are adopted`, async () => {
    freshBoat();
    put('data/exports/export_queue.json', content);
    put('data/exports/export_queue.json.before-import', 'of an earlier import');
    put('data/exports/exports/export_20260220_100531.json', document(1));
    const started = await start();
    assert.ok(started.kind === 'started');
    assert.deepEqual(started.report.kept, [`${paths.queueFile}.before-import_2`]);
    assert.equal(readFileSync(`${paths.queueFile}.before-import_2`, 'utf8'), content);
    assert.equal(readFileSync(`${paths.queueFile}.before-import`, 'utf8'), 'of an earlier import');
    assert.deepEqual(
      entries().map((entry) => entry['queueId']),
      ['q_20260220_100531'],
    );
  });

test("data without an installation ID counts as this boat's own, and is not sent if the boat has no ID", async () => {
  const queue = [{ id: 1, type: 'boatlog', data: [{ entry_id: 1, timestamp: 't' }], status: 'pending' }];
  freshBoat();
  put('data/exports/export_queue.json', queue);
  await start();
  assert.equal(
    JSON.parse(readFileSync(join(root, String(entries()[0]?.['exportFile'])), 'utf8')).installation_id,
    BOAT,
  );
  for (const license of [{ installation_id: '' }, { installation_id: 'X' }, '{"installation', undefined]) {
    freshBoat();
    if (license === undefined) rmSync(join(root, 'config/license.json'));
    else put('config/license.json', license);
    put('data/exports/export_queue.json', queue);
    const started = await start();
    assert.ok(started.kind === 'started');
    assert.deepEqual([started.report.unusable, entries().length], [1, 0]);
    assert.deepEqual(JSON.parse(readFileSync(`${paths.queueFile}.before-import`, 'utf8')), queue);
  }
});

test("another boat's exports on a copied card are quarantined and do not block other exports", async () => {
  freshBoat();
  const foreign = document(1, { installation_id: 'fedcba9876543210' });
  put('data/exports/export_queue.json', {
    pending: [
      item(1, put('data/exports/exports/export_20260220_100531.json', foreign)),
      { ...foreign, export_timestamp: 'x' },
    ],
  });
  const started = await start();
  assert.ok(started.kind === 'started');
  assert.deepEqual([started.report.quarantined, started.report.unusable, entries().length], [1, 1, 0]);
  assert.deepEqual(
    JSON.parse(readFileSync(join(paths.damaged, 'export_20260220_100531.json'), 'utf8')),
    foreign,
  );
});

test("ignores paths outside the export folders: no other program's file is read, moved or removed", async () => {
  freshBoat();
  const license = put('config/license.json', { ...document(1), installation_id: BOAT });
  const outside = join(dirname(root), 'outside.json');
  writeFileSync(outside, JSON.stringify(document(2)));
  put('data/exports/export_queue.json', {
    pending: [
      license,
      outside,
      join(paths.home, '../../config/license.json'),
      join(paths.exports, '../../../../outside.json'),
    ].map((file, n) => item(n, file)),
  });
  const started = await start();
  assert.ok(started.kind === 'started');
  assert.deepEqual([started.report.missing, entries().length], [4, 0]);
  assert.ok(existsSync(license) && existsSync(outside));
});

test('a file that the disk cannot read is imported at a later start, and other exports do not wait for it', async () => {
  writeFullBoat();
  await start();
  const expected = state();
  writeFullBoat();
  const refused = join(paths.exports, 'export_20260220_100531.json');
  const log = createKeptLog();
  const wrap = (disk: Disk): Disk => ({
    ...disk,
    readRange: (path, offset, length) =>
      disk.readRange(path === refused ? `${paths.ledger}/\0` : path, offset, length),
  });
  const first = await start(undefined, log, wrap).catch((error: unknown) => error);
  // The system rejects a path with a NUL character, which appears as a disk failure.
  assert.ok(!(first instanceof Error), String(first));
  assert.ok(typeof first === 'object' && first !== null && 'report' in first);
  assert.ok(log.lines.some((line) => line.includes('at the next start')));
  assert.equal(entries().length, 8);
  const second = await start();
  assert.ok(second.kind === 'started' && second.report.imported === 1);
  const ids = (found: readonly Readonly<Record<string, unknown>>[]) =>
    found.map((entry) => entry['queueId']).sort();
  assert.deepEqual(ids(entries()), ids(expected.entries));
});

test('after a ledger is lost, its view is imported, and the exports on disk keep their IDs', async () => {
  writeFullBoat();
  await start();
  const before = entries();
  const ledger = openLedger(openLedgerDatabase(paths.ledger), () => '');
  await writeViews({ clock: createClock(), disk: createDisk() }, paths, ledger, 'queue');
  ledger.close();
  for (const name of readdirSync(paths.home))
    if (name.startsWith('exports.db')) rmSync(join(paths.home, name));
  await start();
  const labels = (found: typeof before) =>
    found.map(({ queueId, exportId, exportFile, createdAtMs }) => ({
      queueId,
      exportId,
      exportFile,
      createdAtMs,
    }));
  assert.deepEqual(labels(entries()), labels(before));
});
