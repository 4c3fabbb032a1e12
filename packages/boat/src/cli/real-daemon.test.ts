import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startBoat } from '../boat.ts';
import { createWorld } from '../compose.ts';
import { parseConfig } from '../config.ts';
import { type Listening, listen } from '../platform/listen.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { type CliRun, runProgram } from './testing/cli-run.ts';
import { createSteppedClock } from './testing/stepped-clock.ts';

/*
 * These tests run the program against the real export manager, on an almost empty root, at tier 2 from license.json, with a
 * central that does not answer.
 */
const root = temporaryRoot('cli');
const stopping = new AbortController();
let server: Listening;
let running: Promise<void>;
let closeBoat: () => void;

async function freePort(): Promise<number> {
  const reserved = await listen(() => new Response(), '127.0.0.1', 0);
  await reserved.close();
  return reserved.port;
}

function writeTier(tier: number): void {
  const path = join(root, 'config', 'license.json');
  writeFileSync(path, JSON.stringify({ installation_id: '0123456789abcdef', tier }));
}

before(async () => {
  mkdirSync(join(root, 'config'), { recursive: true });
  writeTier(2);
  writeFileSync(join(root, 'config', 'settings.json'), '{"units":"metric"}');
  writeFileSync(
    join(root, 'config', 'export-credentials.json'),
    JSON.stringify({ token: 'dvt_0123456789abcdef0123456789' }),
    { mode: 0o600 },
  );
  const port = await freePort();
  const { config } = parseConfig(
    {
      D3KOS_ROOT: root,
      EXPORT_PORT: String(port),
      CENTRAL_API_URL: `http://127.0.0.1:${await freePort()}`,
      TIER_API_URL: `http://127.0.0.1:${await freePort()}`,
      EXPORT_RECORDINGS_PATH: join(root, 'recordings'),
      EXPORT_RESERVE_BYTES: '0',
    },
    undefined,
  );
  const world = { ...createWorld({}), log: createKeptLog() };
  const boat = await startBoat(world, config, stopping.signal);
  server = await listen((request) => boat.app.fetch(request), '127.0.0.1', port);
  running = boat.run();
  closeBoat = boat.close;
});

after(async () => {
  stopping.abort(new Error('the test is over'));
  await running.catch(() => undefined);
  await server.close();
  closeBoat();
});

const program = (...argv: readonly string[]): Promise<CliRun> =>
  runProgram(argv, { clock: createSteppedClock(), port: server.port });
const json = async (...argv: readonly string[]) => {
  const run = await program(...argv, '--json');
  assert.equal(run.stdout.length, 1, run.stderr.join('\n'));
  return { exitCode: run.exitCode, answer: JSON.parse(run.stdout[0] ?? '') };
};

test('previews, generates, lists, cancels and retries an export in the real export manager', async () => {
  const preview = await program('preview');
  assert.equal(preview.exitCode, 0);
  assert.equal(preview.stdout.length, 10);
  const made = await json('generate');
  assert.equal(made.exitCode, 0);
  const queueId: string = made.answer.queue_id;
  assert.match(queueId, /^q_\d{8}_\d{6}$/);
  const listed = await program('queue', 'list');
  assert.ok(listed.stdout.some((line) => line.startsWith(`${queueId}  `)));
  const cancelled = await json('queue', 'cancel', queueId);
  assert.deepEqual([cancelled.exitCode, cancelled.answer.entry.status], [0, 'failed']);
  const again = await json('queue', 'cancel', queueId);
  assert.deepEqual([again.exitCode, again.answer.code], [5, 'ENTRY_STATE']);
  const retried = await program('queue', 'retry', queueId);
  assert.deepEqual([retried.exitCode, retried.stdout], [0, [`✓ ${queueId} is pending`]]);
  const unknown = await json('queue', 'retry', 'q/../unknown');
  assert.deepEqual([unknown.exitCode, unknown.answer.code], [5, 'ENTRY_NOT_FOUND']);
});

test("shows the real export manager's status, history and cleanup", async () => {
  const status = await program('status');
  assert.equal(status.exitCode, 0);
  assert.ok(status.stdout.includes('Tier:          2'), status.stdout.join('\n'));
  assert.deepEqual((await program('history', '--limit', '5')).stdout, ['No export has been delivered yet']);
  assert.match(
    (await program('queue', 'cleanup')).stdout.join(),
    /^Removed 0 delivered and 0 failed exports/,
  );
});

test('boot succeeds even if the real export manager finds no network', async () => {
  const run = await program('boot');
  assert.equal(run.exitCode, 0);
  assert.match(
    run.stdout.join('\n'),
    /Queue status: [1-9]\d* pending exports\nProcessing pending exports\.\.\./,
  );
  assert.match(run.stdout.at(-2) ?? '', /^⚠ No network after 60 seconds/);
});

test('daily creates one incremental export per slot', async () => {
  writeFileSync(join(root, 'config', 'settings.json'), '{"units":"imperial"}');
  const first = await json('daily');
  assert.equal(first.exitCode, 0);
  assert.equal(first.answer.queued, true);
  const { stdout } = await program('daily');
  assert.match(stdout.join('\n'), /✓ The daily export( of \d{4}-\d\d-\d\d)? already exists/);
  const file = join(root, 'data', 'exports', 'exports', first.answer.export_file);
  const document = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual([document.export_type, document.trigger], ['incremental', 'scheduled']);
});

test('daily succeeds at tiers 0 and 1, and generate is refused at tier 0 with exit code 4', async () => {
  for (const tier of [1, 0]) {
    writeTier(tier);
    const run = await program('daily');
    assert.equal(run.exitCode, 0);
    assert.deepEqual(run.stdout.slice(1, 4), [
      `Current tier: ${tier}`,
      `⚠ Scheduled export requires Tier 2+ (current: Tier ${tier})`,
      'Skipping export',
    ]);
  }
  const refused = await json('generate');
  assert.deepEqual(
    [refused.exitCode, refused.answer.code, refused.answer.error],
    [4, 'TIER_TOO_LOW', 'Tier 0 does not have export capability'],
  );
  const boot = await program('boot');
  assert.equal(boot.exitCode, 0);
});

const TOKEN = 'dvt_0123456789abcdef0123456789';
const supportBundle = (port: number, ...argv: readonly string[]): Promise<CliRun> =>
  runProgram(['support-bundle', ...argv], {
    clock: createSteppedClock(),
    port,
    environment: { EXPORT_WEBHOOK_URL: 'https://hooks.example/services/s3cret-path?key=s3cret-key' },
    files: { '/opt/d3kos/config/export-credentials.json': `{"token":"${TOKEN}"}` },
    diagnosis: { success: true, findings: [] },
    logLines: [
      `info Something wrote ${TOKEN} into a message`,
      'info called https://hooks.example/services/s3cret-path?key=s3cret-key',
      'info mail jo@boat.example, file /home/jo/notes.txt, password=hunter2-hunter2',
      'info Processing export: q_20260220_100530',
    ],
  });

test('the support bundle contains what support needs, but no secrets or personal data', async () => {
  const run = await supportBundle(server.port, '--json');
  assert.equal(run.exitCode, 0);
  const text = run.stdout.join('');
  const bundle = JSON.parse(text);
  assert.equal(bundle.status.success, true);
  assert.ok(Array.isArray(bundle.doctor.findings) && bundle.doctor.findings.length > 3);
  assert.equal(typeof bundle.queue.pending.count, 'number');
  assert.ok(Array.isArray(bundle.history));
  assert.deepEqual(bundle.config.settings.webhook_url, {
    value: 'https://hooks.example/…',
    source: 'environment',
  });
  assert.equal(bundle.config.device_token.state, 'present');
  assert.match(text, /Processing export: q_20260220_100530/);
  for (const secret of [TOKEN, 's3cret', 'jo@', '/home/jo', 'hunter2'])
    assert.ok(!text.includes(secret), secret);
  assert.match(run.stderr.join(), /Nothing was written/);
});

test('the support bundle is written exactly as shown, to a new file that only the user who ran the command can read', async () => {
  const file = join(root, 'support.json');
  const run = await supportBundle(server.port, '--write', file);
  assert.equal(run.exitCode, 0);
  assert.equal(readFileSync(file, 'utf8'), `${run.stdout.join('\n')}\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await supportBundle(server.port, '--write', file);
  assert.notEqual(again.exitCode, 0);
  assert.match(again.stderr.join(), /exists/);
});

test('without a running export manager, the support bundle gives reasons for missing parts and runs the doctor on the files', async () => {
  const run = await supportBundle(9, '--json');
  assert.equal(run.exitCode, 0);
  const bundle = JSON.parse(run.stdout.join(''));
  assert.match(bundle.status.unavailable, /DAEMON_UNREACHABLE/);
  assert.deepEqual(bundle.doctor, { success: true, findings: [] });
  assert.equal(bundle.log.lines.length, 4);
});
