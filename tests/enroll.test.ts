import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ENROL_PATH } from '@d3kos/protocol';
import {
  inTemporaryFolder,
  INSTALLATION,
  prepareBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import {
  countAtCentral,
  createProcesses,
  freePort,
  placeCentral,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  toEnding,
  withCentralStore,
} from './support/processes.ts';
import { HEALTHY, json, type Script, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const CODE = '7KQ2M4XB9C';

/** Writes a sample boat that has no device token. */
function prepareUnenrolled(root: string): void {
  prepareBoat({ root });
  rmSync(join(root, 'config', 'export-credentials.json'));
}

test('a boat without a token or an address reports what is missing before its first export', () =>
  inTemporaryFolder('lacking', async (root) => {
    prepareUnenrolled(root);
    const lacking = async (centralUrl: string): Promise<unknown> => {
      const boat = await startBoatInProcess({ root, centralUrl });
      const { json: status } = await boat.request('GET', '/export/status');
      await boat.stop();
      return status['lacking'];
    };
    assert.deepEqual(await lacking(''), {
      cause: 'no_address',
      detail: 'CENTRAL_API_URL is not set',
    });
    assert.deepEqual(await lacking('http://127.0.0.1:9'), {
      cause: 'no_token',
      detail: 'This boat has no device token: enrol it at central',
    });
    writeFileSync(
      join(root, 'config', 'export-credentials.json'),
      JSON.stringify({ token: 'd3k_'.repeat(8) }),
      {
        mode: 0o600,
      },
    );
    assert.equal(await lacking('http://127.0.0.1:9'), null);
  }));

/** Runs central, a boat and both command-line programs. */
async function startPrograms(t: TestContext) {
  const processes = createProcesses(toEnding(t));
  const place = await placeCentral(processes);
  await startCentral(processes, place);
  const root = processes.folder('enroll');
  prepareUnenrolled(root);
  const boat = { root, port: await freePort(), centralUrl: place.url };
  const central = async (...args: string[]) => {
    const { code, output } = await processes.run('central', [...args, '--json'], {
      CENTRAL_DATA_DIR: place.dataDir,
    });
    assert.equal(code, 0, output);
    return JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? '{}') as Record<
      string,
      string
    >;
  };
  return {
    place,
    root,
    daemon: await startDaemon(processes, boat),
    central,
    enroll: (...args: string[]) => processes.run('boat', ['enroll', ...args], toBoatEnvironment(boat)),
  };
}

/** Returns the contents of all files under a folder as one string. */
function readAll(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('a code enrols a boat, which creates a token that only it can read, and exports arrive', async (t) => {
  const { place, root, daemon, central, enroll } = await startPrograms(t);
  const { code = '' } = await central('invite', INSTALLATION, '--tier', '2');
  const wrong = await enroll('0000000000');
  assert.equal(wrong.code, 4, wrong.output);
  const enrolled = await enroll(`${code.slice(0, 5)}-${code.slice(5)}`.toLowerCase());
  assert.equal(enrolled.code, 0, enrolled.output);
  const path = join(root, 'data', 'exports', 'export-credentials.json');
  const { token } = JSON.parse(readFileSync(path, 'utf8')) as { readonly token: string };
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(Buffer.from(token, 'base64url').length, 32);
  assert.ok(!existsSync(join(root, 'data', 'exports', 'export-credentials.pending.json')));
  for (const [where, text] of Object.entries({
    'the log': daemon.output(),
    'the command': enrolled.output,
    'the data of central': readAll(join(place.dataDir)),
  }))
    assert.ok(!text.includes(token) && !text.includes(code), where);
  await daemon.request('POST', '/export/generate', {});
  await until('the delivery', async () => {
    const { json: queue } = await daemon.request('GET', '/export/queue/status');
    return queue['completed_count'] === 1;
  });
  const counts = await withCentralStore(place, (store) => countAtCentral(store, INSTALLATION));
  assert.ok(counts.boatlog > 0);
  const key = await central('bundle-key', INSTALLATION);
  assert.match(String(key['bundle_key']), /^[A-Za-z0-9_-]{43}$/);
  const again = await enroll(code);
  assert.equal(again.code, 4, again.output);
});

test('a boat whose card was replaced gets its earlier ID back, but only if the owner agrees', async (t) => {
  const { root, daemon, central, enroll } = await startPrograms(t);
  const earlier = 'fedcba9876543210';
  const licence = join(root, 'config', 'license.json');
  chmodSync(licence, 0o664);
  const before = JSON.parse(readFileSync(licence, 'utf8')) as Record<string, unknown>;
  const { code = '' } = await central('invite', earlier);
  const refused = await enroll(code);
  assert.equal(refused.code, 4, refused.output);
  assert.ok(refused.output.includes(earlier) && refused.output.includes('--replace-id'), refused.output);
  // The page cannot write license.json, so it shows the ID, and the token is not stored yet.
  const shown = await daemon.request('POST', '/export/enroll', { code, replace_id: true });
  assert.deepEqual(
    [shown.status, shown.json['enrolled'], shown.json['installation_id']],
    [200, false, earlier],
  );
  assert.ok(!existsSync(join(root, 'data', 'exports', 'export-credentials.json')));
  const enrolled = await enroll(code, '--replace-id');
  assert.equal(enrolled.code, 0, enrolled.output);
  assert.deepEqual(JSON.parse(readFileSync(licence, 'utf8')), { ...before, installation_id: earlier });
  assert.equal(statSync(licence).mode & 0o777, 0o664);
  await daemon.request('POST', '/export/generate', {});
  await until('the delivery under the earlier ID', async () => {
    const { json: queue } = await daemon.request('GET', '/export/queue/status');
    return queue['completed_count'] === 1;
  });
});

test('after a lost answer, a sign-in page or a restart, entering the same code sends the same token again', () =>
  inTemporaryFolder('enroll', async (root) => {
    prepareUnenrolled(root);
    const digests: string[] = [];
    const noted: (script: Script) => Script = (script) => (request, response) => {
      if (request.path === ENROL_PATH)
        digests.push(
          (JSON.parse(request.body.toString('utf8')) as { readonly token_sha256: string }).token_sha256,
        );
      script(request, response);
    };
    const central = await startScriptedServer(noted((_, response) => response.destroy()));
    const post = { code: CODE };
    let boat = await startBoatInProcess({ root, centralUrl: central.url });
    const lost = await boat.request('POST', '/export/enroll', post);
    assert.deepEqual([lost.status, lost.json['code']], [503, 'CENTRAL_UNREACHABLE']);
    central.answer(noted((_, response) => void response.writeHead(200).end('<html>sign in</html>')));
    const portal = await boat.request('POST', '/export/enroll', post);
    assert.deepEqual([portal.status, portal.json['code']], [503, 'CENTRAL_UNREACHABLE']);
    await boat.stop();
    boat = await startBoatInProcess({ root, centralUrl: central.url });
    central.answer(
      noted((request, response) =>
        request.path === ENROL_PATH
          ? json(response, 200, {
              status: 'success',
              installation_id: INSTALLATION,
              token_id: '3f1c09ab77de',
              expires_at: null,
            })
          : json(response, 200, HEALTHY),
      ),
    );
    assert.equal((await boat.request('POST', '/export/enroll', post)).status, 200);
    assert.equal(new Set(digests).size, 1);
    const { token } = JSON.parse(readFileSync(boat.paths.credentials, 'utf8')) as { readonly token: string };
    assert.equal(createHash('sha256').update(token).digest('hex'), digests[0]);
    // A different code is sent with a different token.
    await boat.request('POST', '/export/enroll', { code: 'ABCDEFGHJK' });
    assert.equal(new Set(digests).size, 2);
    assert.ok(!boat.log.join('\n').includes(token));
    await boat.stop();
    await central.close();
  }));

test('pages on the boat cannot guess codes endlessly, and a boat at tier 0 sends nothing', () =>
  inTemporaryFolder('enroll', async (root) => {
    prepareUnenrolled(root);
    const central = await startScriptedServer((_, response) =>
      json(response, 403, { status: 'error', error_code: 'INVALID_CODE', message: 'unknown' }),
    );
    const boat = await startBoatInProcess({ root, centralUrl: central.url });
    const codes: unknown[] = [];
    for (let guess = 0; guess < 25; guess += 1)
      codes.push((await boat.request('POST', '/export/enroll', { code: CODE })).json['code']);
    assert.deepEqual([...new Set(codes)], ['CENTRAL_REFUSED', 'BUSY']);
    await boat.stop();
    const licence = join(root, 'config', 'license.json');
    writeFileSync(licence, JSON.stringify({ installation_id: INSTALLATION, tier: 0 }));
    const sent = central.seen.length;
    const lowest = await startBoatInProcess({ root, centralUrl: central.url });
    const refused = await lowest.request('POST', '/export/enroll', { code: CODE });
    assert.deepEqual([refused.status, refused.json['code']], [403, 'TIER_TOO_LOW']);
    assert.equal(central.seen.length, sent);
    await lowest.stop();
    await central.close();
  }));
