import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request as requestPlain } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { openLedger } from '../packages/boat/src/ledger/ledger.ts';
import { createNotifier } from '../packages/boat/src/notify/notifier.ts';
import { createDisk } from '../packages/boat/src/platform/disk.ts';
import type { MonotonicMs, WallMs } from '../packages/boat/src/platform/ports.ts';
import { createRandom } from '../packages/boat/src/platform/random.ts';
import { createDatabases } from '../packages/boat/src/platform/sqlite.ts';
import { createTransport } from '../packages/boat/src/platform/transport.ts';
import { newEntry } from '../packages/boat/src/testing/new-entry.ts';
import { createProcesses, freePort, toEnding } from './support/processes.ts';
import { until } from './support/until.ts';

/**
 * The newest version whose dependencies can be installed together. Its packages take 234 MB, so it is not one of our
 * dependencies.
 */
const SERVER = 'signalk-server@2.23.0';
const INSTALL_MAX_MS = 10 * 60_000;

/** Makes the server listen only on loopback, and prevents it from looking for newer versions of itself. */
const PRELOAD = `
import net from 'node:net';
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number' ? listen.call(this, port, '127.0.0.1', ...rest) : listen.call(this, port, ...rest);
};
globalThis.fetch = async () => { throw new Error('no network'); };
`;

const SETTINGS = {
  interfaces: { appstore: false, webapps: false, plugins: false, 'nmea-tcp': false, tcp: false },
  mdns: false,
  ssl: false,
  security: { strategy: './tokensecurity' },
  pipedProviders: [],
};
const ADMIN = { userId: 'admin', password: 'admin-of-a-test' };

/** Installs the server into a temporary folder, or skips the test with the reason. */
async function install(t: TestContext, folder: string): Promise<boolean> {
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  try {
    await promisify(execFile)(
      'npm',
      ['install', '--no-audit', '--no-fund', '--omit=optional', '--ignore-scripts', SERVER],
      { cwd: folder, timeout: INSTALL_MAX_MS },
    );
    return true;
  } catch (error) {
    t.skip(`${SERVER} cannot be installed: ${String(error).split('\n').slice(0, 3).join(' ')}`);
    return false;
  }
}

/** Starts the installed server and resolves once it answers. */
async function startServer(t: TestContext, folder: string, port: number) {
  const home = join(folder, 'config');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'settings.json'), JSON.stringify(SETTINGS));
  writeFileSync(join(home, 'package.json'), '{"name":"test","version":"0.0.1"}');
  const child = spawn(
    process.execPath,
    [
      `--import=data:text/javascript,${encodeURIComponent(PRELOAD)}`,
      join(folder, 'node_modules', 'signalk-server', 'bin', 'signalk-server'),
      '-c',
      home,
    ],
    {
      env: { PATH: process.env['PATH'], PORT: String(port), SIGNALK_NODE_CONFIG_DIR: home, HOME: home },
      stdio: 'ignore',
    },
  );
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(stop);
  const url = `http://127.0.0.1:${port}`;
  await until('the Signal K server', () =>
    fetch(`${url}/signalk`).then(
      (response) => response.ok,
      () => false,
    ),
  );
  return { url, stop };
}

async function send(
  url: string,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
}

/**
 * A proxy in front of the server that requires a device token for notifications, as newer versions do. This version does not
 * require one there, but keeps a list of the tokens that it issued.
 */
async function startGuard(t: TestContext, url: string): Promise<string> {
  const server = createServer((incoming, response) => {
    const isGuarded = incoming.url?.startsWith('/signalk/v2/') === true;
    if (isGuarded && incoming.headers.authorization === undefined) {
      response.writeHead(401).end();
      return;
    }
    const { method, headers } = incoming;
    const outgoing = requestPlain(`${url}${incoming.url}`, {
      ...(method === undefined ? {} : { method }),
      headers,
    });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.writeHead(502).end());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  // A TCP server that listens has an address with a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A boat with a real ledger, disk and transport, whose clock the test sets. */
function createBoat(t: TestContext, folder: string, signalkUrl: string) {
  const ledger = openLedger(
    createDatabases().openLedger(join(folder, 'exports.db')),
    () => '0123456789abcdef',
  );
  const transport = createTransport();
  t.after(() => {
    ledger.close();
    transport.close();
  });
  let nowMs = Date.UTC(2026, 5, 1);
  const log: string[] = [];
  const accessPath = join(folder, 'signalk-access.json');
  const clock = {
    wall: () => nowMs as WallMs,
    monotonic: () => nowMs as MonotonicMs,
    yield: async () => undefined,
  };
  const notifier = createNotifier({
    world: {
      clock: {
        ...clock,
        sleep: (_, signal) =>
          new Promise<void>((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new Error('aborted')));
          }),
      },
      random: createRandom(),
      disk: createDisk(),
      transport: transport.transport,
      log: { write: (level, message) => log.push(`${level} ${message}`) },
    },
    ledger,
    license: {
      current: async () => ({
        kind: 'known',
        installationId: '0123456789abcdef',
        tier: 2,
        source: 'license_file',
      }),
    },
    afterDays: 7,
    signalkUrl,
    webhookUrl: undefined,
    accessPath,
    clockSynchronized: async () => true,
  });
  assert.ok(notifier !== undefined);
  return {
    ledger,
    log,
    accessPath,
    look: () => notifier.look(new AbortController().signal),
    pass: (ms: number) => void (nowMs += ms),
  };
}

test('the real Signal K server shows failed and waiting exports once its owner has approved access', async (t) => {
  const processes = createProcesses(toEnding(t));
  const folder = processes.folder('signalk');
  if (!(await install(t, folder))) return;
  const port = await freePort();
  let server = await startServer(t, folder, port);
  await send(server.url, 'POST', '/skServer/enableSecurity', undefined, { ...ADMIN, type: 'admin' });
  await server.stop();
  server = await startServer(t, folder, port);
  const guarded = await startGuard(t, server.url);
  const boat = createBoat(t, folder, guarded);
  const shown = async (): Promise<unknown> => {
    const all = (await send(
      server.url,
      'GET',
      '/signalk/v1/api/vessels/self/notifications/export',
    )) as Record<string, { readonly value: { readonly state: string; readonly message: string } }>;
    return Object.fromEntries(Object.entries(all).map(([name, { value }]) => [name, value.state]));
  };

  const failed = boat.ledger.queue.enqueue(newEntry(1), []);
  boat.ledger.queue.fail(failed.entryNo, { atMs: 0 as WallMs, reason: 'HTTP 400', archiveFile: '/nowhere' });
  await boat.look();
  assert.match(boat.log.join(), /waiting for the owner/);

  const { token: admin } = (await send(server.url, 'POST', '/signalk/v1/auth/login', undefined, {
    username: ADMIN.userId,
    password: ADMIN.password,
  })) as { readonly token: string };
  const requests = (await send(server.url, 'GET', '/skServer/security/access/requests', admin)) as readonly {
    readonly accessIdentifier: string;
    readonly accessDescription: string;
    readonly permissions: string;
  }[];
  assert.deepEqual(
    requests.map(({ accessDescription, permissions }) => [accessDescription.split(':')[0], permissions]),
    [['d3kOS export', 'readwrite']],
  );
  const approve = `/skServer/security/access/requests/${requests[0]?.accessIdentifier}/approved`;
  await send(server.url, 'PUT', approve, admin, { permissions: 'readwrite', expiration: '1y' });

  boat.pass(16 * 60_000);
  await boat.look();
  assert.deepEqual(await shown(), { failed: 'warn' });
  assert.equal(statSync(boat.accessPath).mode & 0o777, 0o600);
  const { token } = JSON.parse(readFileSync(boat.accessPath, 'utf8')) as { readonly token: string };
  assert.ok(token.length > 20 && !boat.log.join().includes(token));
  const devices = JSON.stringify(await send(server.url, 'GET', '/skServer/security/devices', admin));
  assert.ok(devices.includes('d3kOS export'), devices);

  boat.ledger.queue.enqueue({ ...newEntry(2), createdAtMs: Date.UTC(2026, 4, 1) as WallMs }, []);
  boat.pass(16 * 60_000);
  await boat.look();
  assert.deepEqual(await shown(), { failed: 'warn', waiting: 'alert' });

  await server.stop();
  await boat.look();
  server = await startServer(t, folder, port);
  boat.pass(60 * 60_000);
  await boat.look();
  assert.deepEqual(
    await shown(),
    { failed: 'warn', waiting: 'alert' },
    'raised again after the server restarted',
  );

  boat.ledger.queue.requeue(failed.entryNo, 0 as WallMs);
  boat.pass(60 * 60_000);
  await boat.look();
  assert.deepEqual(await shown(), { failed: 'normal', waiting: 'alert' });
});
