import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import type { Collector, CollectOutcome, SourcePaths } from '../collect/collector.ts';
import { toLine, toPage } from '../collect/page.ts';
import { createStateRecords, toStatePages } from '../collect/state-records.ts';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { Disk, WallMs, World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases, openLedgerDatabase } from '../platform/sqlite.ts';
import { createRetention } from '../retain/retention.ts';
import { toFailedFile, toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { BUFFERED_DIGESTS_MAX } from './collect-categories.ts';
import { createExport } from './create-export.ts';
import type { ExportRequest } from './export-request.ts';
import { previewExport } from './preview-export.ts';

const root = temporaryRoot('create-export');
const LOG_SOURCE = 'log';
/** More alerts than fit on a page. A page is 64 KiB, and an alert in this test is 1 kB. */
const PAGE_RECORDS = 80;
const REQUEST: ExportRequest = {
  type: 'incremental',
  trigger: 'manual',
  installationId: '0123456789abcdef',
  tier: 2,
  slotId: undefined,
};

let made = 0;
/** A boat with one log of `rows` rows and a clock that does not advance. `onRead` is called while the log is being read. */
function openBoat(
  over: {
    readonly disk?: Partial<Disk>;
    readonly reserveBytes?: number;
  } = {},
) {
  made += 1;
  const home = join(root, String(made));
  const paths = toSpoolPaths(home);
  mkdirSync(paths.exports, { recursive: true });
  const log = {
    rows: 3,
    isOpen: false,
    onRead: async (): Promise<void> => undefined,
    /** The outcome if the log cannot be read. */
    failure: undefined as CollectOutcome | undefined,
  };
  const boatlog: Collector = {
    category: 'boatlog',
    isNews: true,
    async *collect({ cursorOf }) {
      const from = cursorOf(LOG_SOURCE);
      const first = (from?.position ?? 0) + 1;
      await log.onRead();
      if (log.failure !== undefined) return log.failure;
      if (first > log.rows) return { state: 'empty', cursors: [] };
      const numbers = Array.from({ length: log.rows - first + 1 }, (_, index) => first + index);
      log.isOpen = true;
      try {
        yield toPage(numbers.map((n) => toLine({ record_id: String(n) })));
      } finally {
        log.isOpen = false;
      }
      const to = { position: log.rows, check: `row ${log.rows}` };
      return { state: 'ok', cursors: [{ source: LOG_SOURCE, from, to }] };
    },
  };
  const alerts = { count: 0, status: 'new', onAlert: (_n: number): void => undefined };
  const systemAlerts: Collector = {
    category: 'system_alerts',
    isNews: true,
    async *collect(context) {
      const records = createStateRecords(context);
      const about = 'engine too warm '.repeat(60);
      for (let n = 1; n <= alerts.count; n += 1) {
        alerts.onAlert(n);
        yield* toStatePages(records, [{ record_id: String(n), status: alerts.status, about }]);
      }
      return { state: alerts.count === 0 ? 'empty' : 'ok', cursors: [] };
    },
  };
  const disk: Disk = { ...createDisk(), ...over.disk };
  const clock = { ...createClock(), wall: () => Date.UTC(2026, 1, 20, 10, 5, 30) as WallMs };
  const databases = createDatabases();
  // The ports needed to create an export. No test in this file sends anything.
  const world = { clock, disk, databases, random: createRandom(), log: createKeptLog() } as unknown as World;
  const commits = { count: 0 };
  const database = openLedgerDatabase(paths.ledger, (step) => {
    if (step === 'committed') commits.count += 1;
  });
  const ledger = openLedger(database, () => '00112233445566ff');
  const sources: SourcePaths = { root: home, recordings: home, proc: home, sys: home, run: home };
  const deps = {
    world,
    ledger,
    retention: createRetention(world, paths, ledger, over.reserveBytes ?? 0, () => undefined),
    collectors: [boatlog, systemAlerts],
    sources,
    sourceDisk: () => disk,
    paths,
    onProgress: () => undefined,
  };
  const run = (request: Partial<ExportRequest> = {}, signal = new AbortController().signal) =>
    createExport(deps, { ...REQUEST, ...request }, signal);
  return { log, alerts, commits, paths, ledger, deps, run, files: () => readdirSync(paths.exports) };
}

/** Creates an export that must be queued. */
async function queued(run: ReturnType<typeof openBoat>['run'], request: Partial<ExportRequest> = {}) {
  const result = await run(request);
  assert.ok(result.kind === 'queued');
  return result.entry;
}

test('an export is queued only when its file is durable', async () => {
  let isDurable = false;
  const real = createDisk();
  const { deps, ledger } = openBoat({
    disk: {
      stage: async (path) => {
        const file = await real.stage(path);
        const commit = async (): Promise<void> => {
          await file.commit();
          isDurable = true;
        };
        return { ...file, commit };
      },
    },
  });
  let wasDurable: boolean | undefined;
  const queue: typeof ledger.queue = {
    ...ledger.queue,
    enqueue: (entry, ...rest) => {
      wasDurable = isDurable && existsSync(entry.exportFile);
      return ledger.queue.enqueue(entry, ...rest);
    },
  };
  await createExport({ ...deps, ledger: { ...ledger, queue } }, REQUEST, new AbortController().signal);
  assert.equal(wasDurable, true);
});

test('an incremental export with nothing new queues nothing and leaves no file behind', async () => {
  const { log, run, files, ledger } = openBoat();
  log.rows = 0;
  assert.equal((await run()).kind, 'nothing_new');
  assert.deepEqual(files(), []);
  assert.equal(ledger.queue.newest(), undefined);
});

const FAILURES: readonly CollectOutcome[] = [
  { state: 'error', detail: 'boatlog.db: permission denied', cursors: [] },
  { state: 'schema_unknown', detail: 'boatlog.db: table boatlog_entries is a view', cursors: [] },
  { state: 'error', cursors: [] },
];
for (const failure of FAILURES)
  test(`a category in state ${failure.state} (${failure.detail}) does not count as "nothing new" and does not use up a slot`, async () => {
    const { log, alerts, run, files, ledger } = openBoat();
    log.failure = failure;
    const result = await run({ slotId: '2026-02-20' });
    assert.ok(result.kind === 'unread');
    const unread = [{ category: 'boatlog', detail: failure.detail ?? 'its source could not be read' }];
    assert.deepEqual(result.unread, unread);
    assert.deepEqual([files(), ledger.queue.newest()], [[], undefined]);
    alerts.count = 1;
    const other = await run({ slotId: '2026-02-20' });
    assert.ok(other.kind === 'queued');
    assert.deepEqual(other.unread, unread);
    assert.deepEqual(ledger.slots.claimed(), []);
    log.failure = undefined;
    const whole = await run({ slotId: '2026-02-20' });
    assert.ok(whole.kind === 'queued' && whole.unread.length === 0);
    assert.equal(whole.entry.recordCount, 3);
    assert.deepEqual(ledger.slots.claimed(), ['2026-02-20']);
  });

test('an export whose commit fails leaves no file behind and moves no cursor', async () => {
  const { run, files, ledger } = openBoat();
  ledger.slots.claim('2026-02-20', 0 as WallMs);
  await assert.rejects(run({ slotId: '2026-02-20' }), (error) => isExportError(error, 'LEDGER_FAILED'));
  assert.deepEqual(files(), []);
  assert.equal(ledger.progress.cursorOf('boatlog', LOG_SOURCE), undefined);
  assert.equal((await queued(run)).recordCount, 3);
});

test("an export withdraws exactly its ledger's dead-lettered exports, and reinstates those that were retried", async () => {
  const { run, ledger } = openBoat();
  const { queue } = ledger;
  // The type of the document.
  const headerOf = ({ exportFile }: { readonly exportFile: string }) =>
    JSON.parse(readFileSync(exportFile, 'utf8')) as {
      readonly withdrawn_sequences?: readonly number[];
      readonly reinstated_sequences?: readonly number[];
    };
  const giveUp = ({ entryNo, exportFile }: { readonly entryNo: number; readonly exportFile: string }) =>
    queue.fail(entryNo, { atMs: 0 as WallMs, reason: 'cancelled', archiveFile: exportFile });
  const first = await queued(run, { type: 'full' });
  const second = await queued(run, { type: 'full' });
  assert.equal('withdrawn_sequences' in headerOf(second), false);
  giveUp(first);
  const third = await queued(run, { type: 'full' });
  assert.deepEqual(headerOf(third).withdrawn_sequences, [first.sequence]);
  giveUp(third);
  queue.requeue(first.entryNo, 0 as WallMs);
  const adopted = {
    ...third,
    exportId: 'of_another_ledger',
    queueId: 'q_other',
    exportFile: 'other',
    sequence: 0,
  };
  giveUp(queue.adopt(adopted) ?? assert.fail('it is adopted'));
  const header = headerOf(await queued(run));
  assert.deepEqual(header.withdrawn_sequences, [third.sequence]);
  assert.deepEqual(header.reinstated_sequences, [first.sequence]);
});

test('does not reuse the sequence of a file on the disk, even if the ledger could not be written', async () => {
  const { log, run, files, ledger, paths } = openBoat();
  const shell = new DatabaseSync(paths.ledger);
  log.onRead = async () => shell.exec('BEGIN IMMEDIATE');
  await assert.rejects(run(), (error) => isExportError(error, 'LEDGER_FAILED'));
  shell.close();
  log.onRead = async () => undefined;
  assert.deepEqual(files(), []);
  assert.equal(ledger.facts.nextSequence(), 2);
  assert.equal((await queued(run)).sequence, 2);
});

test("an export's commit claims its slot", async () => {
  const { run, ledger } = openBoat();
  await queued(run, { slotId: '2026-02-20' });
  assert.deepEqual(ledger.slots.claimed(), ['2026-02-20']);
});

test('exports created within one second have different names, even if a file is missing', async () => {
  const { run, ledger } = openBoat();
  const first = await queued(run, { type: 'full' });
  const second = await queued(run, { type: 'full' });
  rmSync(first.exportFile);
  const third = await queued(run, { type: 'full' });
  assert.deepEqual(
    [first, second, third].map(({ queueId }) => queueId),
    ['q_20260220_100530', 'q_20260220_100530_2', 'q_20260220_100530_3'],
  );
  assert.equal(new Set([first, second, third].map(({ exportFile }) => exportFile)).size, 3);
  assert.equal(ledger.queue.counts().pending, 3);
});

test('refuses an export that would use up the disk reserve, before anything is written', async () => {
  const { run, files, ledger } = openBoat({ reserveBytes: Number.MAX_SAFE_INTEGER });
  await assert.rejects(run(), (error) => isExportError(error, 'DISK_RESERVE'));
  assert.deepEqual(files(), []);
  assert.equal(ledger.queue.newest(), undefined);
  assert.equal(ledger.progress.cursorOf('boatlog', LOG_SOURCE), undefined);
});

test('records that are rewound during an export are part of the following export', async () => {
  const { log, run, ledger, paths } = openBoat();
  const first = await queued(run);
  log.rows = 5;
  log.onRead = async () => {
    ledger.queue.fail(first.entryNo, {
      atMs: first.createdAtMs,
      reason: 'Cancelled by the owner',
      archiveFile: toFailedFile(paths, first.queueId),
    });
  };
  assert.equal((await queued(run)).recordCount, 2);
  log.onRead = async () => undefined;
  assert.equal((await queued(run)).recordCount, 5, 'includes the three records of the cancelled export');
});

test('closes the source if the export cannot be written or the preview is stopped', async () => {
  const { log, deps, run, files } = openBoat();
  const full = new ExportError('DISK_FULL', 'no space left', { op: 'write', hint: 'free some' });
  const onProgress = (): never => {
    assert.equal(log.isOpen, true);
    throw full;
  };
  const signal = new AbortController().signal;
  await assert.rejects(createExport({ ...deps, onProgress }, REQUEST, signal), full);
  assert.deepEqual([log.isOpen, files()], [false, []]);

  const stopping = new AbortController();
  log.onRead = async () => stopping.abort(new Error('stopped'));
  await assert.rejects(previewExport(deps, REQUEST, stopping.signal, 1), /stopped/);
  assert.equal(log.isOpen, false);
  log.onRead = async () => undefined;
  await queued(run);
});

test('an export with few state records needs one commit, and an export with many buffers at most one page beyond the limit', async () => {
  const { alerts, commits, deps, ledger, run } = openBoat();
  await queued(run);
  alerts.count = BUFFERED_DIGESTS_MAX;
  const before = commits.count;
  await queued(run);
  assert.equal(commits.count - before, 1);

  alerts.count = 10 * BUFFERED_DIGESTS_MAX;
  alerts.status = 'changed';
  const kept: number[] = [];
  const queue: typeof ledger.queue = {
    ...ledger.queue,
    stageDigests: (stagedNo, category, digests) => {
      kept.push(digests.length);
      return ledger.queue.stageDigests(stagedNo, category, digests);
    },
    enqueue: (entry, moves, claims) => {
      for (const { digests } of moves) kept.push(digests.length);
      return ledger.queue.enqueue(entry, moves, claims);
    },
  };
  const result = await createExport(
    { ...deps, ledger: { ...ledger, queue } },
    REQUEST,
    new AbortController().signal,
  );
  assert.ok(result.kind === 'queued' && result.entry.recordCount === alerts.count);
  assert.ok(
    kept.length > 5 && Math.max(...kept) < BUFFERED_DIGESTS_MAX + PAGE_RECORDS,
    `digests in memory: ${kept.join(', ')}`,
  );
  assert.equal((await run()).kind, 'nothing_new');
});

test('staged digests of an export that ends early do not count, and the next export contains every record', async () => {
  const { alerts, ledger, run, files } = openBoat();
  alerts.count = 300;
  await queued(run);
  const digestOf = (n: number) => ledger.progress.digestOf('system_alerts', String(n));
  const before = digestOf(1);
  alerts.status = 'changed';
  const stopping = new AbortController();
  alerts.onAlert = (n) => {
    if (n === 290) stopping.abort(new Error('stopped'));
  };
  await assert.rejects(run({}, stopping.signal), /stopped/);
  assert.notEqual(ledger.progress.digests.stagedNo(), undefined, 'digests were staged');
  assert.equal(files().length, 1, "the first export's file");
  assert.equal(digestOf(1), before);
  alerts.onAlert = () => undefined;
  assert.equal((await queued(run)).recordCount, 300);
  assert.equal(ledger.progress.digests.stagedNo(), undefined);
  assert.notEqual(digestOf(1), before);
});

test('after a large export is rewound, all its records are exported again exactly once', async () => {
  const { alerts, ledger, paths, run } = openBoat();
  alerts.count = 300;
  const first = await queued(run);
  ledger.queue.fail(first.entryNo, {
    atMs: first.createdAtMs,
    reason: 'Cancelled by the owner',
    archiveFile: toFailedFile(paths, first.queueId),
  });
  assert.equal((await queued(run)).recordCount, 303);
  assert.equal((await run()).kind, 'nothing_new');
});

test('the next export purges the staged digests of an abandoned export', async () => {
  const { alerts, ledger, run } = openBoat();
  alerts.count = 300;
  const stopping = new AbortController();
  alerts.onAlert = (n) => {
    if (n === 290) stopping.abort(new Error('stopped'));
  };
  await assert.rejects(run({}, stopping.signal), /stopped/);
  alerts.count = 0;
  await queued(run);
  assert.equal(ledger.progress.digests.purge(), false);
});
