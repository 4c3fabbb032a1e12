import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { listRoutes, toBodySizeMax } from '../packages/boat/src/api/contract.ts';
import { toExitCode } from '../packages/central/src/cli/exit-code.ts';

const deploy = join(import.meta.dirname, '..', 'deploy');
const root = mkdtempSync(join(tmpdir(), 'd3kos-units-'));
after(() => rmSync(root, { recursive: true, force: true }));

const UNITS = [
  'd3kos-central.service',
  'd3kos-central@.service',
  'd3kos-export-manager.service',
  'd3kos-export-boot.service',
  'd3kos-export-daily.service',
  'd3kos-export-daily.timer',
];

/** Timeout for one check by systemd or nginx, which takes well under a second. */
const CHECK_TIMEOUT_MS = 30_000;

/** Returns the settings of a unit by `Section.Key`, with the values of each key in order. */
function readUnit(name: string): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync(join(deploy, 'systemd', name), 'utf8').split('\n')) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    else {
      const [, key = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? assert.fail(`${name}: ${line}`);
      settings.set(`${section}.${key}`, [...(settings.get(`${section}.${key}`) ?? []), value]);
    }
  }
  return settings;
}

function isMissing(program: string): string | false {
  const { error } = spawnSync(program, ['--version'], { timeout: CHECK_TIMEOUT_MS });
  return error === undefined ? false : `${program} is not installed here`;
}

/** Returns the report of `systemd-analyze verify` about the units. The units' programs are replaced with one that exists. */
function verify(folder: string, change: (text: string) => string = (text) => text): string {
  const units = join(root, folder);
  mkdirSync(units, { recursive: true });
  for (const name of UNITS) {
    const text = readFileSync(join(deploy, 'systemd', name), 'utf8');
    writeFileSync(join(units, name), change(text.replaceAll(/^ExecStart=\S+/gm, 'ExecStart=/bin/sh')));
  }
  const { stderr, stdout } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', ...UNITS.map((name) => join(units, name))],
    // The trailing colon keeps the machine's own unit search path, because these units are ordered after some of its units.
    { encoding: 'utf8', timeout: CHECK_TIMEOUT_MS, env: { ...process.env, SYSTEMD_UNIT_PATH: `${units}:` } },
  );
  const lines = `${stdout}${stderr}`.split('\n');
  // Drops reports about the machine's other units.
  return lines.filter((line) => line.includes('d3kos-') && !isTooOld(line)).join('\n');
}

/**
 * True for a setting that systemd has known since version 254. An older systemd ignores the setting, as the comment in the unit
 * explains.
 */
function isTooOld(line: string): boolean {
  const version = Number(
    /^systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout)?.[1],
  );
  return version < 254 && /Unknown key '(RestartSteps|RestartMaxDelaySec)'/.test(line);
}

const withoutAnalyze = isMissing('systemd-analyze');

test('systemd accepts the units without warnings', { skip: withoutAnalyze }, () => {
  assert.equal(verify('as-they-are'), '');
});

test('the check reports an unknown setting', { skip: withoutAnalyze }, () => {
  assert.match(
    verify('misspelt', (text) => text.replace('Restart=', 'Restrat=')),
    /Restrat/,
  );
});

test('the folder has exactly the expected units', () => {
  assert.deepEqual(readdirSync(join(deploy, 'systemd')).sort(), [...UNITS].sort());
});

test('the export manager reports readiness to systemd, starts without a network, and is restarted after a failure', () => {
  const unit = readUnit('d3kos-export-manager.service');
  assert.deepEqual(unit.get('Service.Type'), ['notify']);
  assert.deepEqual(unit.get('Service.NotifyAccess'), ['all']);
  assert.deepEqual(unit.get('Service.User'), ['d3kos']);
  assert.deepEqual(unit.get('Service.Restart'), ['on-failure']);
  const order = [...(unit.get('Unit.After') ?? []), ...(unit.get('Unit.Wants') ?? [])].join(' ');
  assert.ok(!order.includes('network-online'), order);
  assert.deepEqual(unit.get('Install.WantedBy'), ['multi-user.target']);
});

test('restarts by systemd never reach the start limit', () => {
  for (const name of ['d3kos-export-manager.service', 'd3kos-central.service']) {
    const unit = readUnit(name);
    const [restartSec, interval, burst] = [
      'Service.RestartSec',
      'Unit.StartLimitIntervalSec',
      'Unit.StartLimitBurst',
    ].map((key) => Number(unit.get(key)?.[0]));
    assert.ok(Number(restartSec) * Number(burst) > Number(interval), name);
  }
});

test('systemd gives central enough time to finish requests and to shut its database down', () => {
  const unit = readUnit('d3kos-central.service');
  assert.deepEqual(unit.get('Service.KillMode'), ['mixed']);
  const [listen, embedded] = ['listen.ts', 'embedded-postgres.ts'].map((file) =>
    readFileSync(join(deploy, '..', 'packages', 'central', 'src', 'platform', file), 'utf8'),
  );
  const [, requestsMs = ''] = /^const STOP_MAX_MS = ([\d_]+);/m.exec(listen ?? '') ?? [];
  const [, databaseMs = ''] = /^const STOP_MAX_MS = ([\d_]+);/m.exec(embedded ?? '') ?? [];
  const neededMs = Number(requestsMs.replaceAll('_', '')) + 2 * Number(databaseMs.replaceAll('_', ''));
  assert.ok(neededMs > 0 && Number(unit.get('Service.TimeoutStopSec')?.[0]) * 1_000 > neededMs);
});

test('central is restarted after every failure except an invalid configuration, even after a folder in use', () => {
  const unit = readUnit('d3kos-central.service');
  assert.deepEqual(unit.get('Service.Restart'), ['on-failure']);
  assert.deepEqual(unit.get('Service.RestartPreventExitStatus'), [String(toExitCode('CONFIG_INVALID'))]);
  assert.notEqual(toExitCode('DATA_DIR_IN_USE'), toExitCode('CONFIG_INVALID'));
  assert.deepEqual(unit.get('Service.OOMPolicy'), ['continue']);
});

test('central may write only to its data folder and its socket folder, which commands outside the service can reach', () => {
  const unit = readUnit('d3kos-central.service');
  assert.deepEqual(unit.get('Service.User'), ['d3kos-central']);
  assert.deepEqual(unit.get('Service.ProtectSystem'), ['strict']);
  assert.ok(!unit.has('Service.ReadWritePaths'));
  assert.deepEqual(unit.get('Service.StateDirectory'), ['d3kos-central']);
  // `d3kos-central enroll` could not reach a socket in the private /tmp of the service.
  assert.deepEqual(unit.get('Service.RuntimeDirectory'), ['d3kos-central']);
  assert.deepEqual(unit.get('Service.Environment'), ['TMPDIR=/run/d3kos-central']);
  // All settings are in one file. A data folder in the unit would rule out DATABASE_URL in that file.
  assert.deepEqual(unit.get('Service.EnvironmentFile'), ['/etc/default/d3kos-central']);
  assert.ok(!unit.has('Service.MemoryDenyWriteExecute'));
});

test('central may lower the priority of its threads', () => {
  assert.equal(readUnit('d3kos-central.service').get('Service.SystemCallFilter')?.at(-1), 'setpriority');
});

/** Maximum exposure at which a service counts as hardened. systemd's scale runs from 0 to 10. */
const EXPOSURE_MAX = 1.5;

for (const name of UNITS.filter((unit) => unit.endsWith('.service')))
  test(
    `systemd rates the exposure of ${name} at no more than ${EXPOSURE_MAX}`,
    { skip: withoutAnalyze },
    (context) => {
      // systemd does not rate a template.
      const path = join(root, 'rated.service');
      writeFileSync(
        path,
        readFileSync(join(deploy, 'systemd', name), 'utf8').replaceAll(
          /^ExecStart=\S+/gm,
          'ExecStart=/bin/sh',
        ),
      );
      const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=yes', path], {
        encoding: 'utf8',
        timeout: CHECK_TIMEOUT_MS,
      });
      const exposure = Number(/Overall exposure level for \S+ ([\d.]+)/.exec(stdout)?.[1]);
      if (Number.isNaN(exposure))
        return context.skip('this systemd does not rate units that are not installed');
      assert.ok(exposure <= EXPOSURE_MAX, stdout);
    },
  );

test('the watchdog restarts an export manager whose worker hangs, and its period is longer than any healthy wait', () => {
  const unit = readUnit('d3kos-export-manager.service');
  const [period = ''] = unit.get('Service.WatchdogSec') ?? [];
  const transport = readFileSync(
    join(deploy, '..', 'packages', 'boat', 'src', 'platform', 'transport.ts'),
    'utf8',
  );
  const read = (name: string): number =>
    Number(new RegExp(`^const ${name} = ([\\d_]+);`, 'm').exec(transport)?.[1]?.replaceAll('_', ''));
  // The largest buffer that Linux gives a socket (tcp_wmem) must drain on the slowest working link before the wait for the answer
  // begins.
  const longestMs = ((4 * 1024 * 1024) / read('SLOWEST_BYTES_PER_SECOND')) * 1_000 + read('SILENCE_MS');
  assert.match(period, /^\d+min$/);
  // A progress report may be up to a quarter of the period old when it is sent.
  assert.ok(Number.parseInt(period, 10) * 60_000 * 0.75 > longestMs, `${longestMs} ms`);
});

test('the export manager may write only to its data and may use every network', () => {
  const unit = readUnit('d3kos-export-manager.service');
  assert.deepEqual(unit.get('Service.ProtectSystem'), ['strict']);
  assert.deepEqual(unit.get('Service.ReadWritePaths'), ['/opt/d3kos/data']);
  const [families = ''] = unit.get('Service.RestrictAddressFamilies') ?? [];
  for (const family of ['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK'])
    assert.ok(families.split(' ').includes(family), family);
  // The first setting would stop the JavaScript engine, and the second would hide /proc/meminfo from the telemetry.
  assert.ok(!unit.has('Service.MemoryDenyWriteExecute') && !unit.has('Service.ProcSubset'));
});

test('the timer catches up after a missed night, keeps its random delay, and does not export when it is started', () => {
  const unit = readUnit('d3kos-export-daily.timer');
  assert.deepEqual(unit.get('Timer.Persistent'), ['true']);
  assert.deepEqual(unit.get('Timer.FixedRandomDelay'), ['true']);
  assert.ok(unit.has('Timer.RandomizedDelaySec'));
  assert.ok(![...unit.keys()].some((key) => /^Unit\.(Requires|Wants|BindsTo)$/.test(key)));
  assert.ok(![...readUnit('d3kos-export-daily.service').keys()].some((key) => key.startsWith('Install.')));
});

test("the boot upload's timeout is longer than the program's wait, and no unit waits for the upload", () => {
  const unit = readUnit('d3kos-export-boot.service');
  assert.deepEqual(unit.get('Service.Type'), ['oneshot']);
  assert.deepEqual(unit.get('Service.RemainAfterExit'), ['yes']);
  const after = (unit.get('Unit.After') ?? []).join(' ').split(' ');
  for (const other of ['network-online.target', 'd3kos-export-manager.service', 'multi-user.target'])
    assert.ok(after.includes(other), other);
  const [timeout = ''] = unit.get('Service.TimeoutStartSec') ?? [];
  assert.ok(Number.parseInt(timeout, 10) >= 8 && timeout.endsWith('min'), timeout);
});

test('the units run the programs of the packages', () => {
  for (const [unit, command] of [
    ['d3kos-export-manager.service', '/usr/bin/d3kos-export serve'],
    ['d3kos-export-boot.service', '/usr/bin/d3kos-export boot'],
    ['d3kos-export-daily.service', '/usr/bin/d3kos-export daily'],
    ['d3kos-central.service', '/usr/bin/d3kos-central serve'],
    ['d3kos-central@.service', '/usr/bin/d3kos-central serve --port %i'],
  ] as const)
    assert.deepEqual(readUnit(unit).get('Service.ExecStart'), [command]);
});

test('an additional node of central differs from the first node only in its port, its settings and its socket folder', () => {
  const toLines = (name: string): readonly string[] =>
    [...readUnit(name)].flatMap(([key, values]) => values.map((value) => `${key}=${value}`));
  const first = toLines('d3kos-central.service');
  assert.deepEqual(
    toLines('d3kos-central@.service').filter((line) => !first.includes(line)),
    [
      'Unit.Description=d3kOS Central node on port %i',
      'Service.EnvironmentFile=-/etc/default/d3kos-central-%i',
      'Service.ExecStart=/usr/bin/d3kos-central serve --port %i',
      'Service.RuntimeDirectory=d3kos-central-%i',
      'Service.Environment=TMPDIR=/run/d3kos-central-%i',
    ],
  );
});

test('the proxy serves the export manager where other services look for it, and does not buffer', () => {
  const lines = readFileSync(join(deploy, 'nginx', 'd3kos-export.conf'), 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes('location /export/'));
  assert.ok(at >= 0);
  assert.ok(lines.slice(at, at + 3).some((line) => line.includes('localhost:8094')));
  assert.deepEqual(
    lines.filter((line) => /^\s*proxy_pass /.test(line)).map((line) => line.trim()),
    ['proxy_pass http://127.0.0.1:8094;'],
    'a name with two addresses would let another program answer',
  );
  const text = lines.join('\n');
  for (const setting of ['proxy_buffering off;', 'proxy_set_header Host $host;', 'client_max_body_size '])
    assert.ok(text.includes(setting), setting);
});

test('the proxy accepts the largest body that the export manager accepts', () => {
  const [, limit = ''] =
    /client_max_body_size (\d+)m;/.exec(readFileSync(join(deploy, 'nginx', 'd3kos-export.conf'), 'utf8')) ??
    [];
  const largestBytes = Math.max(...listRoutes().map(toBodySizeMax));
  assert.equal(Number(limit) * 1024 * 1024, largestBytes);
});

const withoutNginx = spawnSync('nginx', ['-v']).error === undefined ? false : 'nginx is not installed here';

test('nginx accepts the snippet', { skip: withoutNginx }, () => {
  const path = join(root, 'nginx.conf');
  writeFileSync(
    path,
    `pid ${root}/nginx.pid; error_log stderr; events {}
http { access_log off; server { listen 127.0.0.1:8080; include ${join(deploy, 'nginx', 'd3kos-export.conf')}; } }`,
  );
  const { status, stderr } = spawnSync('nginx', ['-t', '-c', path, '-p', root], {
    encoding: 'utf8',
    timeout: CHECK_TIMEOUT_MS,
  });
  assert.equal(status, 0, stderr);
});
