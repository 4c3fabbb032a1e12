import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { INSTALLATION, prepareBoat } from './support/boat-in-process.ts';
import {
  type BoatPlace,
  type CentralPlace,
  countAtCentral,
  createProcesses,
  enrollAt,
  freePort,
  NO_SERVER,
  type Processes,
  placeCentral,
  type RunningDaemon,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  toEnding,
  withCentralStore,
} from './support/processes.ts';
import { startTierApi } from './support/tier-api.ts';
import { until } from './support/until.ts';

async function placeBoat(
  processes: Processes,
  over: Partial<BoatPlace> = {},
  token?: string,
): Promise<BoatPlace> {
  const root = join(processes.folder('bad-input'), 'boat');
  prepareBoat({ root }, token);
  return { root, port: await freePort(), centralUrl: NO_SERVER, ...over };
}

const generate = (daemon: RunningDaemon, type: 'full' | 'incremental' = 'full') =>
  daemon.request('POST', '/export/generate', { type });

/** Asserts that a refusal explains what to do, and returns it. */
function assertRefused(answer: Awaited<ReturnType<typeof generate>>, status: number, code: string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.json));
  assert.equal(answer.json['success'], false);
  assert.equal(answer.json['code'], code);
  for (const key of ['error', 'hint'])
    assert.ok(String(answer.json[key]).length > 10, `${key} says something`);
}

describe('licence and tier', () => {
  const goodLicense = JSON.stringify({ installation_id: INSTALLATION, tier: 2 });

  test('without a valid licence no export is created and none is lost, and a corrected licence takes effect without a restart', async (t) => {
    const processes = createProcesses(toEnding(t));
    const place = await placeBoat(processes);
    const license = join(place.root, 'config', 'license.json');
    const daemon = await startDaemon(processes, place);
    const { json: first } = await generate(daemon, 'incremental');
    const cases: readonly (readonly [string | undefined, string])[] = [
      [undefined, 'LICENSE_MISSING'],
      ['', 'LICENSE_INVALID'],
      ['{"installation_id": "0123', 'LICENSE_INVALID'],
      ['{"installation_id": "", "tier": 2}', 'INSTALLATION_ID_INVALID'],
      ['{"installation_id": "Blue Heron", "tier": 2}', 'INSTALLATION_ID_INVALID'],
      [`{"installation_id": "${INSTALLATION}"}`, 'TIER_UNKNOWN'],
    ];
    for (const [text, code] of cases) {
      if (text === undefined) rmSync(license);
      else writeFileSync(license, text);
      assertRefused(await generate(daemon), 403, code);
      const { json: status } = await daemon.request('GET', '/export/status');
      assert.equal(status['success'], true);
      assert.equal(status['can_export'], false);
      assert.equal(status['code'], code);
      assert.equal((status['last_export'] as { queue_id: string }).queue_id, first['queue_id']);
    }
    writeFileSync(license, goodLicense);
    const { json: full } = await generate(daemon);
    assert.equal(full['record_count'], first['record_count']);
    const { json: queue } = await daemon.request('GET', '/export/queue/status');
    assert.equal(Number(queue['pending_count']) + Number(queue['uploading_count']), 2);
    assert.equal(await daemon.stop(), 0);
  });

  test('if the tier API is down, returns HTML or never answers, license.json determines the tier', async (t) => {
    const processes = createProcesses(toEnding(t));
    const tierApi = await startTierApi(processes, INSTALLATION, 2);
    const place = await placeBoat(processes, { tierApiUrl: tierApi.url });
    const daemon = await startDaemon(processes, place);
    assert.equal((await generate(daemon)).json['tier'], 2);
    assert.ok(tierApi.asked() > 0);

    tierApi.answer(200, '<html>Welcome</html>', 'text/html');
    assert.equal((await generate(daemon)).json['queued'], true);
    tierApi.answer(500, '{"success": false}');
    assert.equal((await generate(daemon)).json['queued'], true);
    // Without a tier in license.json, an invalid answer from the tier API makes the boat refuse the export.
    writeFileSync(
      join(place.root, 'config', 'license.json'),
      JSON.stringify({ installation_id: INSTALLATION }),
    );
    assertRefused(await generate(daemon), 403, 'TIER_UNKNOWN');
    tierApi.answer(200, JSON.stringify({ success: true, tier: 1, installation_id: INSTALLATION }));
    assert.equal((await generate(daemon)).json['tier'], 1);
    assert.equal(await daemon.stop(), 0);

    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    processes.atEnd(() => void silent.close());
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    writeFileSync(join(place.root, 'config', 'license.json'), goodLicense);
    const slow = await startDaemon(processes, { ...place, tierApiUrl: `http://127.0.0.1:${port}` });
    const { json: made } = await generate(slow);
    assert.equal(made['tier'], 2);
    await slow.kill();
  });
});

describe('starting', () => {
  test('a port in use is reported with the fix, and the boat stays unchanged', async (t) => {
    const processes = createProcesses(toEnding(t));
    const place = await placeBoat(processes);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(place.port, '127.0.0.1', resolve));
    processes.atEnd(() => void other.close());
    const refused = await processes.run('boat', ['serve'], toBoatEnvironment(place));
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, new RegExp(`Port ${place.port} .*in use`));
    assert.match(refused.output, /PORT_IN_USE/);
    assert.match(refused.output, /EXPORT_PORT/);
    await new Promise((resolve) => other.close(resolve));
    const daemon = await startDaemon(processes, place);
    assert.equal((await generate(daemon)).json['queued'], true);
    assert.equal(await daemon.stop(), 0);
  });

  const configurations: readonly (readonly [
    name: string,
    file: string | undefined,
    environment: Readonly<Record<string, string>>,
    said: RegExp,
  ])[] = [
    ['an unknown key', '{"central_url": "https://c.example"}', {}, /"central_url".*central_api_url/s],
    ['a wrong type', '{"daily_hour": "three"}', {}, /daily_hour/],
    ['no JSON', '{"port": 80', {}, /export\.json is not valid JSON/],
    ['a bad port', undefined, { EXPORT_PORT: 'http' }, /EXPORT_PORT is "http"/],
    [
      'a central without TLS',
      undefined,
      { CENTRAL_API_URL: 'http://central.example.org' },
      /CENTRAL_API_URL.*https/s,
    ],
    ['a root that is not a path', undefined, { D3KOS_ROOT: 'opt' }, /D3KOS_ROOT is "opt"/],
  ];
  for (const [name, file, environment, said] of configurations)
    test(`a configuration with ${name} is refused with the key and the fix`, async (t) => {
      const processes = createProcesses(toEnding(t));
      const place = await placeBoat(processes);
      if (file !== undefined) writeFileSync(join(place.root, 'config', 'export.json'), file);
      const refused = await processes.run('boat', ['serve'], { ...toBoatEnvironment(place), ...environment });
      assert.equal(refused.code, 6, refused.output);
      assert.match(refused.output, /CONFIG_INVALID/);
      assert.match(refused.output, said);
      assert.doesNotMatch(refused.output, /^\s+at /m, 'a message, not a stack');
    });

  test('a second daemon on the same root is refused, and the first keeps running', async (t) => {
    const processes = createProcesses(toEnding(t));
    const place = await placeBoat(processes);
    const daemon = await startDaemon(processes, place);
    const second = await processes.run(
      'boat',
      ['serve'],
      toBoatEnvironment({ ...place, port: await freePort() }),
    );
    assert.notEqual(second.code, 0);
    assert.match(second.output, /ALREADY_RUNNING/);
    assert.match(second.output, /systemctl stop d3kos-export-manager/);
    assert.equal((await generate(daemon)).json['queued'], true);
    assert.equal(await daemon.stop(), 0);
  });

  test('without a daemon, every command reports its absence, with the fix and a specific exit code', async (t) => {
    const processes = createProcesses(toEnding(t));
    const place = await placeBoat(processes);
    for (const command of ['status', 'generate', 'history']) {
      const refused = await processes.run('boat', [command, '--json'], toBoatEnvironment(place));
      assert.equal(refused.code, 3, refused.output);
      assert.match(refused.output, /DAEMON_UNREACHABLE/);
      assert.match(refused.output, /systemctl start d3kos-export-manager/);
    }
  });
});

test('two exports in one second become two entries and two files', async (t) => {
  const processes = createProcesses(toEnding(t));
  const place = await placeBoat(processes);
  const daemon = await startDaemon(processes, place);
  const ids: string[] = [];
  // Of several pairs, at least one falls within one second, even on a slow machine.
  for (let round = 0; round < 20 && !ids.some((id) => id.endsWith('_2')); round += 1)
    ids.push(String((await generate(daemon)).json['queue_id']));
  assert.ok(
    ids.some((id) => id.endsWith('_2')),
    ids.join(' '),
  );
  assert.equal(new Set(ids).size, ids.length);
  const files = readdirSync(join(place.root, 'data', 'exports', 'exports'));
  assert.deepEqual(
    files.filter((name) => name.endsWith('.json')).sort(),
    ids.map((id) => `export_${id.slice(2)}.json`).sort(),
  );
  assert.equal(await daemon.stop(), 0);
});

describe('a token that central refuses', () => {
  const processes = createProcesses({ after });
  let central: CentralPlace;
  let own = '';
  let other = '';
  before(async () => {
    central = await placeCentral(processes);
    own = await enrollAt(central, INSTALLATION);
    other = await enrollAt(central, 'fedcba9876543210');
    await startCentral(processes, central);
  });

  test("with another boat's token, nothing is delivered and the mismatch is reported; the correct token works without a restart", async () => {
    const place = await placeBoat(processes, { centralUrl: central.url }, other);
    const credentials = join(place.root, 'config', 'export-credentials.json');
    const daemon = await startDaemon(processes, place);
    const { json: made } = await generate(daemon);
    const destination = async () => {
      const { json } = await daemon.request('GET', '/export/status');
      return json['destination'] as { state: string; explanation: string };
    };
    await until('the refusal', async () => (await destination()).state === 'blocked');
    assert.match((await destination()).explanation, /token|enrol/);
    const waiting = JSON.parse(JSON.stringify((await daemon.request('GET', '/export/queue')).json));
    assert.equal(waiting.pending[0].retry_count, 0);

    for (const [text, said] of [
      ['', /export-credentials\.json|token/],
      ['{"token": 7}', /export-credentials\.json|token/],
    ] as const) {
      writeFileSync(credentials, text);
      await daemon.request('POST', '/export/queue/process');
      await until('the message', async () => said.test((await destination()).explanation));
      assert.equal((await destination()).state, 'blocked');
    }
    writeFileSync(credentials, JSON.stringify({ token: own }));
    await daemon.request('POST', '/export/queue/process');
    await until(
      'the delivery',
      async () => (await daemon.request('GET', '/export/queue/status')).json['completed_count'] === 1,
    );
    const held = await withCentralStore(central, (store) => countAtCentral(store, INSTALLATION));
    assert.equal(
      Object.values(held).reduce((sum, count) => sum + count, 0),
      made['record_count'],
    );
    for (const secret of [own, other])
      assert.equal(daemon.output().includes(secret), false, 'the log contains no token');
    assert.equal(
      readFileSync(join(place.root, 'data', 'exports', 'export_queue.json'), 'utf8').includes(own),
      false,
    );
    assert.equal(await daemon.stop(), 0);
  });
});
