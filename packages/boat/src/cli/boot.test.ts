import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runProgram } from './testing/cli-run.ts';
import { createLoopbackDaemon, type DaemonStory, type LoopbackDaemon } from './testing/loopback-daemon.ts';
import { createSteppedClock } from './testing/stepped-clock.ts';

const daemons: LoopbackDaemon[] = [];
after(() => Promise.all(daemons.map((daemon) => daemon.stop())));

async function prepare(story: Partial<DaemonStory>): Promise<LoopbackDaemon> {
  const daemon = await createLoopbackDaemon(story);
  daemons.push(daemon);
  return daemon;
}

async function started(story: Partial<DaemonStory>): Promise<LoopbackDaemon> {
  const daemon = await prepare(story);
  await daemon.start();
  return daemon;
}

test('waits for an export manager that starts 5 s late, then reports progress until the queue is empty', async () => {
  const daemon = await prepare({ pendingCount: 2 });
  const { story } = daemon;
  const clock = createSteppedClock([
    { atMs: 5_000, happen: () => daemon.start() },
    { atMs: 12_000, happen: () => void Object.assign(story, { destination: { state: 'online' } }) },
    { atMs: 20_000, happen: () => void Object.assign(story, { pendingCount: 1 }) },
    { atMs: 70_000, happen: () => void Object.assign(story, { pendingCount: 0 }) },
  ]);
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.deepEqual(run.stdout, [
    '=== d3kOS Export Boot-time Upload ===',
    'Queue status: 2 pending exports',
    'Processing pending exports...',
    'Waiting for network...',
    '✓ Network available',
    'Queue status: 2 pending',
    'Queue status: 1 pending',
    'Queue status: 1 pending',
    'Queue status: 0 pending',
    '✓ All exports uploaded',
    '=== Boot-time upload complete ===',
  ]);
  assert.deepEqual(run.stderr, []);
  assert.equal(run.exitCode, 0);
  assert.equal(clock.monotonic(), 70_000);
  assert.deepEqual(daemon.requests, ['POST /export/queue/process']);
});

test('ends immediately without sending a request if no export is waiting', async () => {
  const daemon = await started({ pendingCount: 0, destination: { state: 'offline' } });
  const clock = createSteppedClock();
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.deepEqual(run.stdout.slice(1), [
    'Queue status: 0 pending exports',
    'No pending exports',
    '=== Boot-time upload complete ===',
  ]);
  assert.equal(run.exitCode, 0);
  assert.equal(clock.monotonic(), 0);
  assert.deepEqual(daemon.requests, []);
});

test('succeeds after 60 s without a network and reports the waiting exports', async () => {
  const daemon = await started({
    pendingCount: 3,
    destination: { state: 'offline', explanation: 'No connection to central.' },
  });
  const clock = createSteppedClock();
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.equal(run.exitCode, 0);
  assert.equal(clock.monotonic(), 60_000);
  assert.deepEqual(run.stdout.slice(-2), [
    '⚠ No network after 60 seconds (offline). The export manager will keep trying to send 3 exports. No connection to central.',
    '=== Boot-time upload complete ===',
  ]);
});

test('exits with code 3 if the export manager does not answer within 60 s', async () => {
  const daemon = await prepare({});
  const clock = createSteppedClock();
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.equal(run.exitCode, 3);
  assert.equal(clock.monotonic(), 60_000);
  assert.match(
    run.stderr.join('\n'),
    /did not answer within 60 seconds.*ECONNREFUSED.*\[DAEMON_UNREACHABLE\]/,
  );
  assert.match(run.stderr.join('\n'), /systemctl status d3kos-export-manager/);
});

test('does not mistake another service on the port for the export manager', async () => {
  const daemon = await started({ otherService: () => Response.json({ service: 'other', status: 'ok' }) });
  const run = await runProgram(['boot', '--json'], { clock: createSteppedClock(), port: daemon.port });
  assert.equal(run.exitCode, 3);
  const [line = ''] = run.stdout;
  const { success, code, error } = JSON.parse(line);
  assert.deepEqual({ success, code }, { success: false, code: 'DAEMON_UNREACHABLE' });
  assert.match(error, /is not an export manager/);
});

test('stops reporting after 5 minutes, while the export manager keeps sending', async () => {
  const daemon = await started({ pendingCount: 1, destination: { state: 'online' } });
  const clock = createSteppedClock();
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.equal(run.exitCode, 0);
  assert.equal(clock.monotonic(), 5 * 60_000);
  assert.equal(run.stdout.filter((line) => line === 'Queue status: 1 pending').length, 11);
  assert.match(
    run.stdout.at(-2) ?? '',
    /Not all exports were sent within 5 minutes\. The export manager will keep trying to send 1 export$/,
  );
});

test('fails if an export fails in the meantime, and reports that the next export will contain its records', async () => {
  const daemon = await started({ pendingCount: 1, failedCount: 4, destination: { state: 'online' } });
  const { story } = daemon;
  const clock = createSteppedClock([
    { atMs: 3_000, happen: () => void Object.assign(story, { pendingCount: 0, failedCount: 5 }) },
  ]);
  const run = await runProgram(['boot', '--json'], { clock, port: daemon.port });
  assert.equal(run.exitCode, 1);
  assert.match(run.stderr.at(-2) ?? '', /1 export failed\. The next export will contain their records/);
  assert.equal(run.stdout.length, 1);
  const result = JSON.parse(run.stdout[0] ?? '');
  assert.deepEqual([result.success, result.outcome, result.newly_failed_count], [false, 'drained', 1]);
  assert.equal(result.status.a_key_of_a_later_version, true);
});

test('exits with code 4 if central refuses the boat', async () => {
  const daemon = await started({
    pendingCount: 1,
    destination: { state: 'blocked', explanation: 'Central refuses this boat. Enrol it.' },
  });
  const run = await runProgram(['boot'], { clock: createSteppedClock(), port: daemon.port });
  assert.equal(run.exitCode, 4);
  assert.equal(run.stdout.at(-2), '⚠ Central refuses this boat. Enrol it.');
});

test('sends nothing at tier 0 and succeeds', async () => {
  const daemon = await started({ pendingCount: 1, tier: 0, canExport: false });
  const clock = createSteppedClock();
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.equal(run.exitCode, 0);
  assert.match(run.stdout.at(-2) ?? '', /Tier 0 does not have export capability/);
  assert.equal(clock.monotonic(), 0);
});

test('continues reporting if the export manager restarts in the meantime', async () => {
  const daemon = await started({ pendingCount: 1, destination: { state: 'online' } });
  const { story } = daemon;
  const clock = createSteppedClock([
    { atMs: 4_000, happen: () => daemon.stop() },
    { atMs: 9_000, happen: () => daemon.start() },
    { atMs: 15_000, happen: () => void Object.assign(story, { pendingCount: 0 }) },
  ]);
  const run = await runProgram(['boot'], { clock, port: daemon.port });
  assert.equal(run.exitCode, 0);
  assert.ok(run.stdout.includes('✓ All exports uploaded'));
});

test('stops waiting and exits with code 130 when interrupted', async () => {
  const stopping = new AbortController();
  const daemon = await prepare({});
  const clock = createSteppedClock([{ atMs: 3_000, happen: () => stopping.abort(new Error('SIGINT')) }]);
  const run = await runProgram(['boot'], { clock, port: daemon.port, signal: stopping.signal });
  assert.equal(run.exitCode, 130);
  assert.equal(clock.monotonic(), 3_000);
});
