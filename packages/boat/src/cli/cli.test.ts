import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClock } from '../platform/clock.ts';
import { type CliRun, runProgram } from './testing/cli-run.ts';
import { createLoopbackDaemon, type LoopbackDaemon } from './testing/loopback-daemon.ts';

const daemons: LoopbackDaemon[] = [];
after(() => Promise.all(daemons.map((daemon) => daemon.stop())));

const clock = createClock();
const config = (
  environment: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string | Error>>,
) => runProgram(['config', '--json'], { clock, environment, files });
const onlyJson = (run: CliRun) => {
  assert.equal(run.stdout.length, 1);
  return JSON.parse(run.stdout[0] ?? '');
};

test('config shows the source of every setting', async () => {
  const run = await config(
    { D3KOS_ROOT: '/srv/boat', EXPORT_PORT: '9000' },
    { '/srv/boat/config/export.json': '{"port":8000,"daily_hour":4}' },
  );
  assert.equal(run.exitCode, 0);
  const { settings, device_token: token } = onlyJson(run);
  assert.deepEqual(settings.root, { value: '/srv/boat', source: 'environment' });
  assert.deepEqual(settings.port, { value: 9000, source: 'environment' });
  assert.deepEqual(settings.daily_hour, { value: 4, source: 'file' });
  assert.deepEqual(settings.tier_api_url, { value: 'http://127.0.0.1:8093', source: 'default' });
  assert.deepEqual(settings.central_api_url, { value: null, source: 'default' });
  assert.deepEqual(token, { state: 'missing', file: '/srv/boat/config/export-credentials.json' });
});

test('config reports the state of the device token and never shows the token', async () => {
  const path = '/opt/d3kos/config/export-credentials.json';
  const secret = 'dvt_0123456789abcdef0123456789';
  for (const [file, state] of [
    [`{"token":"${secret}"}`, 'present'],
    [`{"token":"${secret}"`, 'invalid'],
    [`{"tokens":"${secret}"}`, 'invalid'],
    [Object.assign(new Error('permission denied'), { code: 'EACCES' }), 'unreadable'],
  ] as const) {
    for (const argv of [['config'], ['config', '--json']]) {
      const run = await runProgram(argv, { clock, files: { [path]: file } });
      assert.equal(run.exitCode, 0);
      assert.ok(run.stdout.join('\n').includes(state), state);
      assert.ok(!`${run.stdout} ${run.stderr}`.includes(secret), argv.join(' '));
    }
  }
});

test("config shows only the webhook's origin", async () => {
  const environment = { EXPORT_WEBHOOK_URL: 'https://hooks.example:8443/services/s3cret?key=s3cret' };
  for (const argv of [['config'], ['config', '--json']]) {
    const run = await runProgram(argv, { clock, environment });
    assert.ok(run.stdout.join('\n').includes('https://hooks.example:8443/…'));
    assert.ok(!run.stdout.join('\n').includes('s3cret'));
  }
});

test('names an invalid or unreadable configuration file and exits with code 6', async () => {
  const path = '/opt/d3kos/config/export.json';
  const wrong = await config({}, { [path]: '{"prot":8000}' });
  assert.equal(wrong.exitCode, 6);
  assert.match(onlyJson(wrong).error, /unknown key "prot"/);
  const unreadable = await runProgram(['status'], { clock, files: { [path]: new Error('EACCES') } });
  assert.equal(unreadable.exitCode, 6);
  assert.match(unreadable.stderr.join('\n'), /export\.json cannot be read \[CONFIG_UNREADABLE\]/);
});

test('invalid usage exits with code 2 and prints one line and a hint, or JSON', async () => {
  const text = await runProgram(['exprot'], { clock });
  assert.deepEqual(
    [text.exitCode, text.stdout, text.stderr],
    [2, [], ["✗ Unknown command 'exprot' [REQUEST_INVALID]", '  See d3kos-export --help.']],
  );
  const json = await runProgram(['status', '--fast', '--json'], { clock });
  assert.equal(json.exitCode, 2);
  assert.deepEqual(Object.keys(onlyJson(json)), ['success', 'error', 'code', 'hint']);
});

test('exits with code 3 and explains how to start the export manager if it is not running', async () => {
  const daemon = await createLoopbackDaemon();
  for (const argv of [['status'], ['generate'], ['queue', 'list'], ['history'], ['preview']]) {
    const run = await runProgram(argv, { clock, port: daemon.port });
    assert.equal(run.exitCode, 3, argv.join(' '));
    assert.match(run.stderr.join('\n'), /does not answer at .*ECONNREFUSED/);
    assert.match(run.stderr.join('\n'), /systemctl start d3kos-export-manager/);
  }
});

test('exits with code 3 if another program answers on the port, whatever it answers', async () => {
  const otherServices = [
    () => new Response('<html>Welcome</html>', { headers: { 'content-type': 'text/html' } }),
    () => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1:1/' } }),
    () => Response.json({ success: true }),
    () => Response.json('yes'),
    () => new Response('', { status: 500 }),
  ];
  for (const otherService of otherServices) {
    const daemon = await createLoopbackDaemon({ otherService });
    daemons.push(daemon);
    await daemon.start();
    const run = await runProgram(['status'], { clock, port: daemon.port });
    assert.equal(run.exitCode, 3);
    assert.match(run.stderr[0] ?? '', /is not an export manager/);
  }
});

test('help and version work without an export manager', async () => {
  const help = await runProgram([], { clock });
  assert.equal(help.exitCode, 0);
  for (const command of [
    'serve',
    'generate',
    'status',
    'queue',
    'bundle',
    'doctor',
    'completion',
    'history',
    'preview',
    'boot',
    'daily',
    'config',
  ])
    assert.match(help.stdout.join('\n'), new RegExp(`\n  ${command} `));
  const version = await runProgram(['--version', '--json'], { clock });
  assert.match(onlyJson(version).version, /^\d+\.\d+\.\d+/);
});
