import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import { prepareBoat } from './support/boat-in-process.ts';
import {
  type BoatPlace,
  type CentralPlace,
  countAtCentral,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  type RunningDaemon,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  withCentralStore,
} from './support/processes.ts';
import { accepting, importing, json, startScriptedServer } from './support/scripted-central.ts';
import { startTierApi } from './support/tier-api.ts';
import { until } from './support/until.ts';

/** The installation ID of every sample boat that `prepareBoat` writes. */
const INSTALLATION = '0123456789abcdef';

/** The keys of an entry in `export_queue.json`, in the legacy order. */
const ENTRY_KEYS = [
  'queue_id',
  'export_file',
  'created_at',
  'tier',
  'category_count',
  'file_size_bytes',
  'status',
  'retry_count',
  'next_retry_at',
  'last_error',
];
const STATUS_KEYS = [
  'pending_count',
  'uploading_count',
  'completed_count',
  'failed_count',
  'next_pending',
  'last_updated',
];
const LEGACY_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const hasJq = spawnSync('jq', ['--version']).status === 0;

/** Returns the lines that `jq -r FILTER FILE` prints. Without jq, returns the result of `instead` on the parsed file. */
function jq(file: string, filter: string, instead: (value: never) => readonly unknown[]): readonly string[] {
  if (!hasJq) return instead(JSON.parse(readFileSync(file, 'utf8')) as never).map(String);
  const { status, stdout, stderr } = spawnSync('jq', ['-r', filter, file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

const exportsHome = (place: BoatPlace) => join(place.root, 'data', 'exports');
const queueFile = (place: BoatPlace) => join(exportsHome(place), 'export_queue.json');
const historyFile = (place: BoatPlace) => join(exportsHome(place), 'export_history.json');
const queueStatus = async (daemon: RunningDaemon) =>
  (await daemon.request('GET', '/export/queue/status')).json;

async function untilCompleted(daemon: RunningDaemon, count: number): Promise<void> {
  await until(
    `${count} completed exports`,
    async () => (await queueStatus(daemon))['completed_count'] === count,
  );
}

describe("the legacy document's tests, with real processes on real ports", () => {
  const processes = createProcesses({ after });
  let central: CentralPlace;
  let token = '';
  before(async () => {
    central = await placeCentral(processes);
    token = await enrollAt(central, INSTALLATION);
  });

  const placeBoat = async (centralUrl: string, tier: 1 | 2 = 2): Promise<BoatPlace> => {
    const root = join(processes.folder('seed-test'), 'boat');
    prepareBoat({ root, tier, generation: 'legacy' }, token);
    const tierApi = await startTierApi(processes, INSTALLATION, tier);
    return { root, port: await freePort(), centralUrl, tierApiUrl: tierApi.url };
  };

  test('tests 1 and 2: an export waits in the queue, the worker then delivers it, and the log has no error', async () => {
    const place = await placeBoat(central.url);
    const daemon = await startDaemon(processes, place);

    // Test 1: no server listens at central's address yet.
    const { status, json: made } = await daemon.request('POST', '/export/generate');
    assert.equal(status, 200);
    assert.equal(made['success'], true);
    assert.equal(made['message'], 'Export generated and added to queue');
    assert.match(String(made['queue_id']), /^q_\d{8}_\d{6}$/);
    assert.match(String(made['export_file']), /^export_\d{8}_\d{6}\.json$/);
    await until('the entry to wait again', async () => (await queueStatus(daemon))['pending_count'] === 1);
    const waiting = await queueStatus(daemon);
    assert.deepEqual(Object.keys(waiting), STATUS_KEYS);
    assert.deepEqual(
      STATUS_KEYS.slice(0, 4).map((key) => waiting[key]),
      [1, 0, 0, 0],
    );
    assert.match(String(waiting['last_updated']), LEGACY_TIME);
    assert.deepEqual(Object.keys(waiting['next_pending'] as object), ENTRY_KEYS);
    await until(
      'the queue file',
      () => JSON.parse(readFileSync(queueFile(place), 'utf8')).pending.length === 1,
    );
    assert.deepEqual(
      jq(queueFile(place), 'keys_unsorted[]', (queue) => Object.keys(queue)),
      ['version', 'last_updated', 'pending', 'uploading', 'completed', 'failed'],
    );
    assert.deepEqual(
      jq(queueFile(place), '.pending[0] | keys_unsorted[]', (queue: { pending: object[] }) =>
        Object.keys(queue.pending[0] ?? {}),
      ),
      ENTRY_KEYS,
    );
    const file = join(exportsHome(place), 'exports', String(made['export_file']));
    assert.deepEqual(
      jq(
        queueFile(place),
        '.pending[0] | .queue_id, .export_file, .tier, .category_count, .status, .retry_count, .last_error != ""',
        (queue: { pending: Record<string, unknown>[] }) => {
          const [entry = {}] = queue.pending;
          return [
            ...['queue_id', 'export_file', 'tier', 'category_count', 'status', 'retry_count'].map(
              (key) => entry[key],
            ),
            entry['last_error'] !== '',
          ];
        },
      ),
      [String(made['queue_id']), file, '2', '9', 'pending', '0', 'true'],
    );

    // Test 2: central starts.
    const running = await startCentral(processes, central);
    await daemon.request('POST', '/export/queue/process');
    await untilCompleted(daemon, 1);
    const delivered = await queueStatus(daemon);
    assert.deepEqual(
      STATUS_KEYS.slice(0, 5).map((key) => delivered[key]),
      [0, 0, 1, 0, null],
    );
    await until(
      'the history',
      () => JSON.parse(readFileSync(historyFile(place), 'utf8')).exports.length === 1,
    );
    assert.deepEqual(
      jq(
        historyFile(place),
        '.version, .exports[0].queue_id, .exports[0].status',
        (history: { version: string; exports: Record<string, unknown>[] }) => [
          history.version,
          history.exports[0]?.['queue_id'],
          history.exports[0]?.['status'],
        ],
      ),
      ['1.0', String(made['queue_id']), 'completed'],
    );
    const history = JSON.parse(readFileSync(historyFile(place), 'utf8')).exports[0];
    assert.deepEqual(Object.keys(history).slice(0, 11), [...ENTRY_KEYS, 'completed_at']);
    assert.match(history.completed_at, LEGACY_TIME);
    assert.ok(daemon.lines().some((line) => line.includes(`Processing export: ${made['queue_id']}`)));
    assert.ok(
      daemon.lines().some((line) => line.includes(`✓ Export uploaded successfully: ${made['queue_id']}`)),
    );
    const total = await withCentralStore(central, (store) => countAtCentral(store, INSTALLATION));
    assert.equal(
      Object.values(total).reduce((sum, count) => sum + count, 0),
      made['record_count'],
    );

    // The checks that other services publish (docs/spec/sources.md, "The machine").
    const { json: asked } = await daemon.request('GET', '/export/status');
    assert.ok(asked['success'] && asked['tier'] && asked['can_export']);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(
      daemon.lines().filter((line) => /error/i.test(line)),
      [],
    );
    assert.equal(await running.stop(), 0);
  });

  test('test 3: attempts are used up as in the legacy document, and the export is delivered when central works again', async () => {
    const failing = await startScriptedServer(
      importing((_, response) =>
        json(response, 500, { status: 'error', error_code: 'INTERNAL', message: 'no' }),
      ),
    );
    processes.atEnd(() => failing.close());
    const place = await placeBoat(failing.url);
    const daemon = await startDaemon(processes, place);
    const { json: made } = await daemon.request('POST', '/export/generate');
    const says = (text: string) => until(`the log to contain: ${text}`, () => daemon.output().includes(text));
    await says(`Export upload failed: ${made['queue_id']}`);
    await says('Retry immediately');
    await says('Retry 1/3 in 5 minutes');
    const { next_pending: entry } = await queueStatus(daemon);
    assert.equal((entry as { retry_count: number }).retry_count, 2);
    failing.answer(accepting);
    // Cancelling and retrying gives the export all of its attempts again, without the wait of five minutes.
    await daemon.request('DELETE', `/export/queue/${made['queue_id']}`);
    await daemon.request('POST', `/export/queue/${made['queue_id']}/retry`);
    await daemon.request('POST', '/export/queue/process');
    await untilCompleted(daemon, 1);
    await says(`✓ Export uploaded successfully: ${made['queue_id']}`);
    assert.ok(
      daemon.lines().filter((line) => line.includes(`Processing export: ${made['queue_id']}`)).length >= 3,
    );
    assert.equal(await daemon.stop(), 0);
  });

  test('test 3, without a network: the export waits, uses up no attempt, and is delivered when the network is back', async () => {
    const link = await startScriptedServer(accepting);
    await link.close();
    const place = await placeBoat(link.url);
    const daemon = await startDaemon(processes, place);
    const { json: made } = await daemon.request('POST', '/export/generate');
    await until('the failed upload', () =>
      daemon.output().includes(`Export upload failed: ${made['queue_id']}`),
    );
    await until('the entry to wait', async () => (await queueStatus(daemon))['pending_count'] === 1);
    const { next_pending: entry } = await queueStatus(daemon);
    assert.equal((entry as { retry_count: number }).retry_count, 0);
    const back = await startScriptedServer(accepting, link.port);
    processes.atEnd(() => back.close());
    // The boat's probes reach central 5 s and 10 s after the failure.
    await untilCompleted(daemon, 1);
    assert.equal(await daemon.stop(), 0);
  });

  test('test 4: exports that waited at a power cut are uploaded after the boot', async () => {
    const place = await placeBoat(central.url);
    const before = await startDaemon(processes, place);
    const { json: made } = await before.request('POST', '/export/generate');
    await before.kill();

    const boot = processes.start('boat', ['boot'], toBoatEnvironment(place));
    const daemon = await startDaemon(processes, place);
    await until('boot to wait for the network', () => boot.output().includes('Waiting for network'));
    const running = await startCentral(processes, central);
    assert.equal((await boot.ended).code, 0, boot.output());
    for (const line of [
      'Queue status: 1 pending exports',
      'Processing pending exports...',
      '✓ All exports uploaded',
    ])
      assert.ok(boot.output().includes(line), `${line} in ${boot.output()}`);
    await untilCompleted(daemon, 1);
    assert.ok(daemon.output().includes(`✓ Export uploaded successfully: ${made['queue_id']}`));
    assert.equal(await daemon.stop(), 0);
    assert.equal(await running.stop(), 0);
  });

  test('test 5: the daily export is created once a day at tier 2, and skipped at tier 1', async () => {
    const place = await placeBoat(central.url);
    const daemon = await startDaemon(processes, place);
    const first = await processes.run('boat', ['daily'], toBoatEnvironment(place));
    assert.equal(first.code, 0, first.output);
    assert.match(first.output, /Current tier: 2/);
    assert.match(first.output, /Triggering export\.\.\./);
    assert.match(first.output, /✓ Export generated and queued: q_\d{8}_\d{6}/);
    const second = await processes.run('boat', ['daily'], toBoatEnvironment(place));
    assert.equal(second.code, 0, second.output);
    assert.match(second.output, /already exists/);
    const { pending_count: pending, uploading_count: uploading } = await queueStatus(daemon);
    assert.equal(Number(pending) + Number(uploading), 1);
    assert.equal(await daemon.stop(), 0);

    const small = await placeBoat(central.url, 1);
    const manual = await startDaemon(processes, small);
    const skipped = await processes.run('boat', ['daily'], toBoatEnvironment(small));
    assert.equal(skipped.code, 0, skipped.output);
    assert.match(skipped.output, /requires Tier 2\+ \(current: Tier 1\)/);
    assert.match(skipped.output, /Skipping export/);
    assert.equal((await queueStatus(manual))['pending_count'], 0);
    const { json: made } = await manual.request('POST', '/export/generate');
    assert.equal(made['queued'], true, 'tier 1 exports on request');
    assert.equal(await manual.stop(), 0);
  });

  test('test 6: the newest export file has the nine categories', async () => {
    const place = await placeBoat(central.url);
    const daemon = await startDaemon(processes, place);
    await daemon.request('POST', '/export/generate');
    const folder = join(exportsHome(place), 'exports');
    const names = readdirSync(folder);
    assert.equal(names.length, 1);
    const file = join(folder, names[0] ?? '');
    assert.deepEqual(
      jq(file, '.data | keys[]', ({ data }: { data: object }) => Object.keys(data).sort()),
      [...CATEGORIES].sort(),
    );
    assert.deepEqual(
      jq(file, '.installation_id, .format_version, .export_type, .tier, .trigger, .sequence', (document) =>
        ['installation_id', 'format_version', 'export_type', 'tier', 'trigger', 'sequence'].map(
          (key) => document[key],
        ),
      ),
      [INSTALLATION, '1.0', 'full', '2', 'manual', '1'],
    );
    const document = JSON.parse(readFileSync(file, 'utf8'));
    for (const category of CATEGORIES) assert.equal(document.data[category].category, category);
    assert.equal(document.data.boatlog.entry_count, document.data.boatlog.entries.length);
    assert.equal(JSON.stringify(document).includes('image_path'), false);
    assert.ok(existsSync(queueFile(place)));
    assert.equal(await daemon.stop(), 0);
  });
});
