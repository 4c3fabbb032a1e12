import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from './support/until.ts';

const SNIPPET = join(import.meta.dirname, '..', 'deploy', 'nginx', 'd3kos-export.conf');
const withoutNginx = spawnSync('nginx', ['-v']).error === undefined ? false : 'nginx is not installed here';

/** Sends a request to the proxy from this source address with this host name. */
function ask(port: number, localAddress: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost' };
    request({ host: '127.0.0.1', port, path: '/export/status', localAddress, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .once('error', reject)
      .end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startProxy(folder: string, port: number, boatPort: number): Promise<ChildProcess> {
  const snippet = readFileSync(SNIPPET, 'utf8').replaceAll('127.0.0.1:8094', `127.0.0.1:${boatPort}`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  const path = join(folder, 'nginx.conf');
  writeFileSync(
    path,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
http { access_log off; ${temporary} server { listen 127.0.0.1:${port}; ${snippet} } }`,
  );
  const proxy = spawn('nginx', ['-c', path, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  await until(
    'the proxy to answer or to exit',
    async () =>
      proxy.exitCode !== null || (await ask(port, '127.0.0.1').catch(() => undefined)) !== undefined,
  );
  return proxy;
}

test(
  "the proxy serves programs on the boat and refuses other machines that use the boat's host name",
  {
    skip: withoutNginx,
  },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'd3kos-nginx-'));
    const boat = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(boat, 'listening');
    // A TCP server's address is an AddressInfo.
    const { port: boatPort } = boat.address() as AddressInfo;
    const port = await freePort();
    const proxy = await startProxy(folder, port, boatPort);
    try {
      assert.equal(await ask(port, '127.0.0.1'), 200);
      // A different loopback address represents another machine, because nginx checks only the address.
      assert.equal(await ask(port, '127.0.0.2'), 403);
    } finally {
      proxy.kill();
      boat.closeAllConnections();
      boat.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** Sends a request line unchanged, and resolves with the status. */
async function askFor(port: number, target: string): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket
    .setEncoding('latin1')
    .write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  await once(socket, 'close');
  return Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1] ?? 0);
}

/**
 * Request lines that could name an API route outside `/export/` although they match the snippet's location. The API refuses a
 * backslash itself (`hostile-requests.test.ts`).
 */
const TRICKS = [
  '/export/../metrics',
  '/export/%2e%2e/metrics',
  '/export/%2e%2e%2fmetrics',
  '/export/..%5cmetrics',
  '/export/%252e%252e/metrics',
  '/x/../export/../metrics',
  '//export/../metrics',
  'http://localhost/export/../metrics',
];

test('the proxy forwards no path outside /export/, in whatever form', { skip: withoutNginx }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-nginx-'));
  const forwarded: string[] = [];
  const boat = createServer((incoming, response) => {
    // The API reads the target as a URL.
    forwarded.push(new URL(incoming.url ?? '', 'http://localhost').pathname);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(boat, 'listening');
  // A TCP server's address is an AddressInfo.
  const { port: boatPort } = boat.address() as AddressInfo;
  const port = await freePort();
  const proxy = await startProxy(folder, port, boatPort);
  try {
    for (const target of TRICKS) await askFor(port, target);
    assert.ok(forwarded.length > 0);
    assert.deepEqual(
      forwarded.filter((path) => !path.startsWith('/export/')),
      [],
    );
  } finally {
    proxy.kill();
    boat.closeAllConnections();
    boat.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
