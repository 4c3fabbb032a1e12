import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { after, before } from 'node:test';
import { Hono } from 'hono';
import { WATCHERS_MAX } from '../packages/boat/src/events.ts';
import {
  createDownloads,
  DOWNLOAD_STALL_MAX_MS,
  DOWNLOADS_MAX,
} from '../packages/boat/src/http/downloads.ts';
import { type Listening, listen } from '../packages/boat/src/platform/listen.ts';
import {
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { NO_SERVER } from './support/processes.ts';

let running: RunningBoat;
let server: Listening;
let finish: () => void = () => undefined;
let folder: Promise<void>;

before(async () => {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  finish = resolve;
  const ready = Promise.withResolvers<void>();
  folder = inTemporaryFolder('hostile-requests', async (root) => {
    prepareBoat({ root });
    running = await startBoatInProcess({ root, centralUrl: NO_SERVER });
    server = await listen((request) => running.boat.app.fetch(request), '127.0.0.1', 0);
    ready.resolve();
    await done;
    await server.close();
  });
  await Promise.race([ready.promise, folder]);
});
after(async () => {
  finish();
  await folder;
});

/** Maximum number of characters read from an answer. */
const READ_MAX = 4_000;

/** Sends these bytes over a separate connection. Returns the answer, or its beginning if the answer never ends. */
async function send(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.setEncoding('latin1').end(bytes, 'latin1');
  let answer = '';
  socket.on('data', (text: string) => {
    answer += text;
    if (answer.length > READ_MAX) socket.destroy();
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return answer;
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(answer)?.[1] ?? 0);

/** A body that the API would accept, so that only the headers decide. */
const SETTINGS = '{"notifications":true}';

function toPost(headers: readonly string[]): string {
  const all = [
    'POST /export/settings HTTP/1.1',
    ...headers,
    'Content-Type: application/json',
    `Content-Length: ${SETTINGS.length}`,
    'Connection: close',
  ];
  return `${all.join('\r\n')}\r\n\r\n${SETTINGS}`;
}

const OWN_HOST = 'Host: localhost:8094';

/** Host headers with which a page or another machine could pass for the boat. */
const FOREIGN_HOSTS: readonly (readonly string[])[] = [
  ['Host: evil.example'],
  ['Host: localhost.evil.example'],
  ['Host: localhost@evil.example'],
  ['Host: evil.example@localhost'],
  ['Host: evil.example#localhost'],
  ['Host: localhost:8094:80'],
  ['Host: localhost:8094/'],
  ['Host: localhost/evil.example'],
  ['Host: localhost evil.example'],
  ['Host: localhost,evil.example'],
  ['Host: localhost.'],
  ['Host: 127.1'],
  ['Host: 127.0.0.1.evil.example'],
  ['Host: 0.0.0.0:8094'],
  ['Host: 2130706433'],
  ['Host: [::ffff:127.0.0.1]'],
  ['Host: [::1].evil.example'],
  ['Host: \u00a0localhost'],
  ['Host: loc\u00e4lhost'],
  ['Host:'],
  ['Host: evil.example', 'Host: localhost'],
  ['Host: evil.example', 'X-Forwarded-Host: localhost', 'Forwarded: host=localhost'],
  [],
];

for (const headers of FOREIGN_HOSTS)
  test(`a request with a foreign Host changes nothing: ${JSON.stringify(headers)}`, async () => {
    const status = statusOf(await send(toPost(headers)));
    assert.ok(status === 400 || status === 403, String(status));
  });

test('a request whose target names another host changes nothing', async () => {
  for (const target of ['http://evil.example/export/settings', '//evil.example/export/settings']) {
    const request = toPost([OWN_HOST]).replace('/export/settings', target);
    const status = statusOf(await send(request));
    assert.ok(status >= 400 && status < 500, `${target}: ${status}`);
  }
});

/** Origin headers of pages that are not the boat's. */
const FOREIGN_ORIGINS = [
  'null',
  '',
  'http://evil.example',
  'https://localhost:8094',
  'http://localhost:80940',
  'http://localhost:8094.evil.example',
  'http://localhost:8094@evil.example',
  'http://localhost:8094/',
  'http://localhost:8094 http://evil.example',
  'http://evil.example, http://localhost:8094',
  'HTTP://LOCALHOST:8094',
  'http://127.0.0.1:3000',
  'file://',
  'chrome-extension://abcdef',
];

for (const origin of FOREIGN_ORIGINS)
  test(`a request with a foreign Origin changes nothing: "${origin}"`, async () => {
    assert.equal(statusOf(await send(toPost([OWN_HOST, `Origin: ${origin}`]))), 403);
  });

test('two Origin headers change nothing', async () => {
  const both = ['Origin: http://localhost:8094', 'Origin: http://evil.example'];
  assert.equal(statusOf(await send(toPost([OWN_HOST, ...both]))), 403);
  assert.equal(statusOf(await send(toPost([OWN_HOST, ...both.toReversed()]))), 403);
  assert.equal(statusOf(await send(toPost([OWN_HOST, 'Origin: http://localhost:8094']))), 200);
});

test('HEAD requests leave no event stream open', async () => {
  const request = (method: string): string =>
    `${method} /export/events HTTP/1.1\r\n${OWN_HOST}\r\nConnection: close\r\n\r\n`;
  for (let count = 0; count <= WATCHERS_MAX; count += 1)
    assert.equal(statusOf(await send(request('HEAD'))), 200);
  const fetched = await running.boat.app.fetch(new Request('http://localhost:8094/export/events'));
  const reader = fetched.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  assert.match(Buffer.from(value ?? '').toString('utf8'), /heartbeat/);
  await reader?.cancel();
});

test('downloads that nobody reads are limited in number, and one that ends makes room for another', async () => {
  const download = () => running.boat.app.fetch(new Request('http://localhost:8094/export/boatlog/csv'));
  const unread: Response[] = [];
  for (let count = 0; count < DOWNLOADS_MAX; count += 1) unread.push(await download());
  const refused = await download();
  assert.deepEqual([refused.status, Reflect.get(Object(await refused.json()), 'code')], [503, 'BUSY']);
  await unread.pop()?.body?.cancel();
  const next = await download();
  assert.match(await next.text(), /^entry_id,/);
  for (const one of unread) await one.body?.cancel();
});

test('a download whose client accepts nothing for a minute is cut off, and its source is closed', async () => {
  const waits: { readonly delayMs: number; readonly elapse: () => void }[] = [];
  const clock = {
    sleep: (delayMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        waits.push({ delayMs, elapse: resolve });
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  };
  const downloads = createDownloads(clock as Parameters<typeof createDownloads>[0]);
  let closed = 0;
  async function* endless(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) yield new Uint8Array(1_024);
    } finally {
      closed += 1;
    }
  }
  const app = new Hono().get('/', (context) => downloads.send(context, 'text/csv', 'x.csv', endless()));
  for (let count = 1; count <= 2 * DOWNLOADS_MAX; count += 1) {
    const response = await app.request('/');
    assert.equal(response.status, 200);
    const reader = response.body?.getReader();
    await reader?.read();
    assert.equal(waits.at(-1)?.delayMs, DOWNLOAD_STALL_MAX_MS);
    waits.at(-1)?.elapse();
    await assert.rejects(async () => reader?.read(), /accepts nothing/);
    assert.equal(closed, count);
  }
});

/** Paths below the forwarded one that would normalize to another route if the server read them as a browser does. */
const TRICKS = [
  '/export/..\\metrics',
  '/export\\..\\metrics',
  '/export/.\\..\\metrics',
  '/export/%2e%2e%2fmetrics',
  '/export/..%5cmetrics',
  '/export/%252e%252e/metrics',
  '/export/;/../metrics',
  '/export//..//metrics',
  '/export/files/..%2f..%2fconfig%2fexport-credentials.json',
  '/export/files/..\\..\\config\\export-credentials.json',
  '/export/files/%00',
];

for (const path of TRICKS)
  test(`a path names only its own route: ${path}`, async () => {
    const answer = await send(`GET ${path} HTTP/1.1\r\n${OWN_HOST}\r\nConnection: close\r\n\r\n`);
    assert.ok(statusOf(answer) >= 400, answer.slice(0, 200));
    assert.doesNotMatch(answer, /# HELP|device-token/);
  });
