import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { isExportError } from '../platform/errors.ts';
import { createLog } from '../platform/log.ts';
import { createTransport } from '../platform/transport.ts';
import { createLicense, LICENSE_SIZE_MAX_BYTES, TIER_API_DEADLINE_MS } from './license.ts';

const OWN = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const NEVER = new AbortController().signal;

const closings: (() => unknown)[] = [];
after(async () => {
  for (const close of closings) await close();
});

/** Starts a tier API on its own port and records its connections. */
async function serveTier(listener: RequestListener) {
  const server = createServer(listener);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  closings.push(close);
  // A listening TCP server always has an address with a port.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, close };
}

const answering =
  (body: unknown, status = 200): RequestListener =>
  (_, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

/** Returns the licence of a boat with the given license.json (none if undefined) that queries the tier API at `url`. */
async function makeLicense(file: unknown, url: string) {
  const folder = await mkdtemp(join(tmpdir(), 'license-'));
  closings.push(() => rm(folder, { recursive: true }));
  const licensePath = join(folder, 'license.json');
  if (file !== undefined)
    await writeFile(licensePath, typeof file === 'string' ? file : JSON.stringify(file));
  const http = createTransport();
  closings.push(() => http.close());
  const lines: string[] = [];
  const log = createLog({ journald: true, level: 'debug', writeLine: (line) => lines.push(line) });
  const deps = { disk: createDisk(), transport: http.transport, clock: createClock(), log };
  return { license: createLicense(deps, { licensePath, tierApiUrl: url }), licensePath, lines };
}

describe('the licence', () => {
  it('comes from the tier API if it answers, with the installation ID from license.json', async () => {
    const paths: string[] = [];
    const { url } = await serveTier((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      answering({ success: true, tier: 2, installation_id: OWN, features: {} })(request, response);
    });
    const { license } = await makeLicense(
      { installation_id: OWN, tier: 1, features: { cloud_sync: false } },
      url,
    );
    assert.deepEqual(await license.current(NEVER), {
      kind: 'known',
      installationId: OWN,
      tier: 2,
      source: 'tier_api',
    });
    assert.deepEqual(paths, ['GET /tier/status']);
  });

  const file = { installation_id: OWN, tier: 1 };
  const strangers: readonly (readonly [name: string, listener: RequestListener])[] = [
    [
      'answers HTML',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>nginx</html>'),
    ],
    ['answers 500', answering({ success: true, tier: 3, installation_id: OWN }, 500)],
    ['reports a failure', answering({ success: false, error: 'no licence' })],
    ['answers with a tier of the wrong type', answering({ success: true, tier: '2' })],
    ['answers with an unknown tier', answering({ success: true, tier: 7 })],
    ['answers with a list', answering([])],
    ['sends an empty answer', answering('')],
    ['never stops sending', answering(' '.repeat(1_000_000))],
    ['redirects', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['closes the connection', (request) => request.socket.destroy()],
  ];
  for (const [name, listener] of strangers)
    it(`comes from license.json if the tier API ${name}`, async () => {
      const { url } = await serveTier(listener);
      const result = await (await makeLicense(file, url)).license.current(NEVER);
      assert.deepEqual(result, { kind: 'known', installationId: OWN, tier: 1, source: 'license_file' });
      const refused = await (await makeLicense(undefined, url)).license.current(NEVER);
      assert.ok(refused.kind === 'refused');
      assert.equal(refused.code, 'LICENSE_MISSING');
    });

  it('comes from license.json if the tier API is down', async () => {
    const { url, close } = await serveTier(answering({}));
    close();
    const result = await (await makeLicense(file, url)).license.current(NEVER);
    assert.deepEqual(result, { kind: 'known', installationId: OWN, tier: 1, source: 'license_file' });
  });

  it('comes from license.json if the tier API exceeds its deadline, even in the middle of the body', async () => {
    const { url } = await serveTier(() => undefined);
    const { url: half } = await serveTier((_, response) => response.writeHead(200).write('{"success":'));
    const start = performance.now();
    const results = await Promise.all(
      [url, half].map(async (slow) => (await makeLicense(file, slow)).license.current(NEVER)),
    );
    for (const result of results)
      assert.deepEqual(result, { kind: 'known', installationId: OWN, tier: 1, source: 'license_file' });
    const tookMs = performance.now() - start;
    assert.ok(tookMs >= TIER_API_DEADLINE_MS - 10, `${tookMs} ms`);
  });

  it('opens no connection if license.json has tier 0', async () => {
    const { url, sockets } = await serveTier(answering({ success: true, tier: 3, installation_id: OWN }));
    const { license, licensePath } = await makeLicense({ installation_id: OWN, tier: 0 }, url);
    assert.deepEqual(await license.current(NEVER), {
      kind: 'known',
      installationId: OWN,
      tier: 0,
      source: 'license_file',
    });
    assert.equal(sockets.length, 0);
    await writeFile(licensePath, JSON.stringify({ installation_id: OWN, tier: 3 }));
    assert.equal((await license.current(NEVER)).tier, 3);
    assert.equal(sockets.length, 1);
  });

  const bad: readonly (readonly [name: string, file: unknown, code: string])[] = [
    ['is missing', undefined, 'LICENSE_MISSING'],
    ['is empty', '', 'LICENSE_INVALID'],
    ['is truncated', '{"installation_id":"01', 'LICENSE_INVALID'],
    ['is not UTF-8 JSON', '\u0000\u0001', 'LICENSE_INVALID'],
    ['is a list', [], 'LICENSE_INVALID'],
    ['has a tier of the wrong type', { installation_id: OWN, tier: '2' }, 'LICENSE_INVALID'],
    ['has an unknown tier', { installation_id: OWN, tier: 4 }, 'LICENSE_INVALID'],
    ['is far too large', ' '.repeat(LICENSE_SIZE_MAX_BYTES + 1), 'LICENSE_INVALID'],
    ['has an empty ID', { installation_id: '', tier: 2 }, 'INSTALLATION_ID_INVALID'],
    ['has a malformed ID', { installation_id: 'boat', tier: 2 }, 'INSTALLATION_ID_INVALID'],
    ['has no tier', { installation_id: OWN }, 'TIER_UNKNOWN'],
  ];
  for (const [name, content, code] of bad)
    it(`is refused with ${code} if license.json ${name} and the tier API is down`, async () => {
      const { url, close } = await serveTier(answering({}));
      close();
      const result = await (await makeLicense(content, url)).license.current(NEVER);
      assert.ok(result.kind === 'refused');
      assert.equal(result.code, code);
      assert.ok(result.message !== '' && result.hint !== '');
    });

  it('ignores the tier from a tier API that answers for another boat, and warns once', async () => {
    const { url } = await serveTier(answering({ success: true, tier: 3, installation_id: OTHER }));
    const { license, lines } = await makeLicense(file, url);
    for (let times = 0; times < 3; times += 1) {
      const result = await license.current(NEVER);
      assert.ok(result.kind === 'known');
      assert.deepEqual([result.installationId, result.tier, result.source], [OWN, 1, 'license_file']);
    }
    assert.equal(lines.length, 1);
  });

  it('stops the query when aborted', async () => {
    const { url } = await serveTier(() => undefined);
    const { license } = await makeLicense(file, url);
    const stop = new AbortController();
    const asking = license.current(stop.signal);
    stop.abort(new Error('stopping'));
    await assert.rejects(asking, /stopping/);
  });

  it('rejects a tier API on another machine', async () => {
    for (const url of [
      'http://tiers.example.org',
      'http://127.0.0.1.example.org',
      'http://192.168.1.2:8093',
      'nonsense',
    ])
      await assert.rejects(makeLicense(file, url), (error) => isExportError(error, 'CONFIG_INVALID'));
    for (const url of ['http://localhost:8093', 'http://127.0.0.1:8093', 'http://[::1]:8093'])
      await makeLicense(file, url);
  });
});
