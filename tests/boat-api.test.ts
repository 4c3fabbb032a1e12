import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import { Hono } from 'hono';
import { createEvents } from '../packages/boat/src/events.ts';
import { toContentSecurityPolicy } from '../packages/boat/src/http/page.ts';
import { HEARTBEAT_EVERY_MS, sendEvents } from '../packages/boat/src/http/streams.ts';
import type { Clock } from '../packages/boat/src/platform/ports.ts';
import { listRoutes } from '../packages/boat/src/api/contract.ts';
import {
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { accepting, type ScriptedServer, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

let running: RunningBoat;
let central: ScriptedServer;
let finish: () => void = () => undefined;
let folder: Promise<void>;

before(async () => {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  finish = resolve;
  const ready = Promise.withResolvers<void>();
  folder = inTemporaryFolder('api', async (root) => {
    prepareBoat({ root, rows: 30 });
    // A line that follows the fixture's torn last line.
    const alarm = { ts: '2026-03-19T08:00:00Z', error: 'POST https://hooks.example/T0 failed' };
    appendFileSync(join(root, 'data', 'alarm-webhook-log.jsonl'), `\n${JSON.stringify(alarm)}\n`);
    central = await startScriptedServer(accepting);
    running = await startBoatInProcess({ root, centralUrl: central.url });
    ready.resolve();
    await done;
    await running.stop();
    await central.close();
  });
  await Promise.race([ready.promise, folder]);
});
after(async () => {
  finish();
  await folder;
});

const fetchApi = async (path: string, init: RequestInit = {}): Promise<Response> =>
  running.boat.app.fetch(new Request(`http://localhost:8094${path}`, init));

/** Returns the value at a path of keys in an answer, or undefined if it does not exist. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
const keysAt = (value: unknown, ...path: readonly string[]): readonly string[] => {
  const found = at(value, ...path);
  return typeof found === 'object' && found !== null ? Object.keys(found) : [];
};
const getJson = async (path: string): Promise<unknown> => (await fetchApi(path)).json();

test('the OpenAPI document describes exactly the existing routes', async () => {
  const described = new Set(
    listRoutes().map(({ method, path }) => `${method} ${path.replaceAll(/\{([a-z]+)\}/g, ':$1')}`),
  );
  const served = new Set(
    running.boat.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  );
  assert.deepEqual([...described].sort(), [...served].sort());
});

test('the legacy routes answer with the legacy keys', async () => {
  const made = (await (await fetchApi('/export/generate', { method: 'POST' })).json()) as Record<
    string,
    unknown
  >;
  assert.equal(made['success'], true);
  assert.match(String(made['export_file']), /^export_[0-9]{8}_[0-9]{6}(_[0-9]+)?\.json$/);
  assert.match(String(made['queue_id']), /^q_[0-9]{8}_[0-9]{6}(_[0-9]+)?$/);
  assert.equal(made['message'], 'Export generated and added to queue');
  await until('the delivery', () => running.boat.ledger.queue.counts().completed === 1);

  const queueStatus = await getJson('/export/queue/status');
  assert.deepEqual(keysAt(queueStatus), [
    'pending_count',
    'uploading_count',
    'completed_count',
    'failed_count',
    'next_pending',
    'last_updated',
  ]);
  const status = await getJson('/export/status');
  for (const key of [
    'success',
    'service',
    'port',
    'tier',
    'can_export',
    'error',
    'queue',
    'destination',
    'last_export',
    'last_delivery',
    'schedule',
    'storage',
    'categories',
  ])
    assert.ok(keysAt(status).includes(key), key);
  assert.deepEqual(
    ['success', 'tier', 'can_export', 'port'].map((key) => at(status, key)),
    [true, 2, true, 8094],
  );
  assert.deepEqual(keysAt(status, 'destination').slice(0, 3), ['state', 'since', 'detail']);
  assert.deepEqual(keysAt(status, 'categories'), [...CATEGORIES]);

  const history = await getJson('/export/history?limit=1');
  assert.equal(at(history, 'exports', 0, 'queue_id'), made['queue_id']);
  const files = await getJson('/export/files');
  assert.equal(at(files, 'files', 0, 'name'), made['export_file']);
  const file = await fetchApi(`/export/files/${String(made['export_file'])}`);
  assert.deepEqual(
    Buffer.from(await file.arrayBuffer()),
    readFileSync(join(running.paths.exports, String(made['export_file']))),
  );
  const csv = await (await fetchApi('/export/boatlog/csv')).text();
  assert.equal(
    csv.split('\r\n')[0],
    'entry_id,timestamp,timestamp_utc,type,content,latitude,longitude,weather',
  );
  assert.equal(csv.trimEnd().split('\r\n').length, 31);
  assert.equal(at(await getJson('/health'), 'service'), 'd3kos-export-manager');
  assert.match(await (await fetchApi('/metrics')).text(), /d3kos_export_entries\{status="completed"\} 1/);
  assert.equal(at(await getJson('/openapi.json'), 'openapi'), '3.1.0');
});

test('a preview counts records and shows samples, but queues nothing', async () => {
  const before = running.boat.ledger.queue.counts();
  const preview = await getJson('/export/preview?type=full');
  assert.equal(at(preview, 'categories', 'boatlog', 'count'), 30);
  assert.ok(at(preview, 'categories', 'boatlog', 'samples', 0) !== undefined);
  assert.deepEqual(running.boat.ledger.queue.counts(), before);
});

test('a preview lists what was removed and what stays on the boat, without the values', async () => {
  const preview = await getJson('/export/preview?type=full');
  assert.deepEqual(at(preview, 'categories', 'system_alerts', 'redacted'), [
    { field: 'error', reason: 'an address', count: 1 },
  ]);
  assert.match(
    String(at(preview, 'categories', 'system_alerts', 'detail')),
    /1 line was not understood: data\/alarm-webhook-log\.jsonl:2 is not valid JSON/,
  );
  assert.match(
    String(at(preview, 'categories', 'settings', 'detail')),
    /^not exported: 1 key of config\/license\.json \(license_key\);/,
  );
});

test('a download of a file outside the folder, or with an unexpected name, gets 404', async () => {
  for (const name of [
    '..%2f..%2f..%2fconfig%2fexport-credentials.json',
    'export_queue.json',
    '%2e%2e',
    'export_20200101_000000.json',
  ]) {
    const response = await fetchApi(`/export/files/${name}`);
    assert.equal(response.status, 404, name);
    assert.equal(at(await response.json(), 'code'), 'NOT_FOUND');
  }
});

test('requests from other sites and rebound host names are refused, and kiosk pages are allowed through CORS', async () => {
  const table: readonly (readonly [Record<string, string>, number])[] = [
    [{ host: 'evil.example' }, 403],
    [{ host: 'evil.example:8094' }, 403],
    [{ host: 'localhost:8094', origin: 'https://evil.example' }, 403],
    [{ host: 'localhost:8094', origin: 'null' }, 403],
    [{ host: 'localhost:8094', origin: 'http://localhost:9999' }, 403],
    [{ host: '127.0.0.1:8094' }, 200],
    [{ host: 'localhost', origin: 'http://localhost' }, 200],
    [{ host: 'localhost:8094', origin: 'http://localhost:3000' }, 200],
    [{ host: 'localhost:8094', origin: 'http://localhost:8094' }, 200],
  ];
  for (const [headers, expected] of table)
    assert.equal(
      (await fetchApi('/export/queue/status', { headers })).status,
      expected,
      JSON.stringify(headers),
    );
  // A tag in a page on another port sends no Origin, and browsers treat that page as the same site.
  const tags: readonly (readonly [path: string, site: string, status: number])[] = [
    ['/export/doctor', 'same-site', 403],
    ['/export/preview', 'same-site', 403],
    ['/export/files', 'cross-site', 403],
    ['/export/queue/status', 'same-origin', 200],
    ['/export/queue/status', 'none', 200],
    ['/export/bridge.js', 'same-site', 200],
    ['/export/bridge.js', 'cross-site', 403],
  ];
  for (const [path, site, expected] of tags)
    assert.equal(
      (await fetchApi(path, { headers: { 'sec-fetch-site': site } })).status,
      expected,
      `${path} ${site}`,
    );
  const kiosk = await fetchApi('/export/queue/status', { headers: { origin: 'http://localhost:3000' } });
  assert.equal(kiosk.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  const preflight = await fetchApi('/export/generate', {
    method: 'OPTIONS',
    headers: { origin: 'http://localhost:3000' },
  });
  assert.equal(preflight.status, 204);
  const foreign = await fetchApi('/export/generate', {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.example' },
  });
  assert.equal(foreign.status, 403);
});

test('every refusal is JSON with a code and a hint', async () => {
  const table: readonly (readonly [string, RequestInit, number, string])[] = [
    ['/export/generate', { method: 'POST', body: '{' }, 400, 'REQUEST_INVALID'],
    ['/export/generate', { method: 'POST', body: '{"type":"some"}' }, 400, 'REQUEST_INVALID'],
    ['/export/generate', { method: 'POST', body: '{"kind":"full"}' }, 400, 'REQUEST_INVALID'],
    ['/export/generate', { method: 'POST', body: 'x'.repeat(20_000) }, 400, 'REQUEST_INVALID'],
    ['/export/history?limit=0', {}, 400, 'REQUEST_INVALID'],
    ['/export/preview?type=x', {}, 400, 'REQUEST_INVALID'],
    ['/export/queue/q_none/retry', { method: 'POST' }, 404, 'ENTRY_NOT_FOUND'],
    ['/export/queue/q_none', { method: 'DELETE' }, 404, 'ENTRY_NOT_FOUND'],
    ['/nothing', {}, 404, 'NOT_FOUND'],
  ];
  for (const [path, init, status, code] of table) {
    const response = await fetchApi(path, init);
    assert.equal(response.status, status, path);
    const answer: unknown = await response.json();
    assert.deepEqual([at(answer, 'success'), at(answer, 'code')], [false, code]);
    for (const key of ['error', 'hint']) assert.match(String(at(answer, key)), /[a-z]{3}/);
  }
});

test('a delivered entry can be neither retried nor cancelled', async () => {
  const queueId = running.boat.ledger.queue.list('completed')[0]?.queueId;
  for (const [path, method] of [
    [`/export/queue/${queueId}/retry`, 'POST'],
    [`/export/queue/${queueId}`, 'DELETE'],
  ] as const) {
    const response = await fetchApi(path, { method });
    assert.equal(response.status, 409);
    assert.equal(at(await response.json(), 'code'), 'ENTRY_STATE');
  }
});

test('the page is served with a strict policy, is revalidated by its ETag, and can be framed only by the kiosk', async () => {
  for (const [path, mediaType] of [
    ['/', 'text/html'],
    ['/page/boat.js', 'text/javascript'],
    ['/page/boat.css', 'text/css'],
  ] as const) {
    const response = await fetchApi(path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get('content-type'), `${mediaType}; charset=utf-8`);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
    assert.match(policy, /frame-ancestors 'self' http:\/\/localhost http:\/\/localhost:3000$/);
    assert.doesNotMatch(policy, /unsafe/);
    const others = (await response.text()).match(/https?:\/\/(?!www\.w3\.org)\w+/g);
    assert.equal(others, null, `${path} refers to no other server`);
    const etag = response.headers.get('etag') ?? '';
    assert.equal((await fetchApi(path, { headers: { 'if-none-match': etag } })).status, 304);
  }
  for (const path of ['/page/', '/page/index.html', '/page/..%2fmain.js', '/index.html'])
    assert.equal((await fetchApi(path)).status, 404, path);
  const html = await (await fetchApi('/')).text();
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on[a-z]+=/);
});

test("an origin that could extend the page's policy is left out of it", () => {
  assert.match(
    toContentSecurityPolicy([
      'http://kiosk:3000',
      "http://a; script-src 'unsafe-inline'",
      'http://b c',
      'http://[::1]',
    ]),
    /frame-ancestors 'self' http:\/\/kiosk:3000 http:\/\/\[::1\]$/,
  );
});

test('a new event stream begins with a heartbeat and the work in progress', async () => {
  const clock = { wall: () => Date.UTC(2026, 6, 14), sleep: () => new Promise<never>(() => undefined) };
  const events = createEvents();
  const counts = { pending: 0, uploading: 1, completed: 0, failed: 0 };
  events.emit({ kind: 'queue', counts });
  events.emit({ kind: 'collecting', category: 'boatlog', count: 1 });
  events.emit({ kind: 'collecting', category: 'boatlog', count: 2 });
  events.emit({ kind: 'uploading', queueId: 'q_1', partIndex: 1, partCount: 3, sentBytes: 0, leftMs: null });
  events.emit({ kind: 'uploading', queueId: 'q_1', partIndex: 2, partCount: 3, sentBytes: 9, leftMs: 7 });
  events.emit({ kind: 'delivered', queueId: 'q_other' });
  assert.deepEqual(
    events.inProgress().map((event) => JSON.stringify(event)),
    [
      '{"kind":"collecting","category":"boatlog","count":2}',
      '{"kind":"uploading","queueId":"q_1","partIndex":2,"partCount":3,"sentBytes":9,"leftMs":7}',
    ],
  );
  const app = new Hono().get('/', (context) => sendEvents(context, events, clock as unknown as Clock));
  const reader = (await app.request('/')).body?.getReader();
  assert.ok(reader !== undefined);
  let text = '';
  await until('the beginning of the stream', async () => {
    text += new TextDecoder().decode((await reader.read()).value);
    return text.includes('"partIndex":2');
  });
  assert.match(text, /^event: heartbeat\ndata: \{"kind":"heartbeat","time":"2026-07-14T00:00:00Z"\}/);
  assert.match(text, /event: collecting/);
  await reader.cancel();
  events.emit({ kind: 'collected' });
  events.emit({ kind: 'delivered', queueId: 'q_1' });
  assert.deepEqual(events.inProgress(), []);
});

test('a heartbeat follows at every interval of the monotonic clock, until the page disconnects', async () => {
  const waits: (() => void)[] = [];
  let aborted = 0;
  const clock = {
    wall: () => Date.UTC(2026, 6, 14),
    sleep: (delayMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        assert.equal(delayMs, HEARTBEAT_EVERY_MS);
        waits.push(resolve);
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(new Error('aborted'));
        });
      }),
  };
  const app = new Hono().get('/', (context) =>
    sendEvents(context, createEvents(), clock as unknown as Clock),
  );
  const reader = (await app.request('/')).body?.getReader();
  assert.ok(reader !== undefined);
  let text = '';
  for (const count of [1, 2, 3]) {
    await until(`heartbeat ${count}`, async () => {
      text += new TextDecoder().decode((await reader.read()).value);
      return text.split('event: heartbeat').length - 1 === count;
    });
    await until('the next wait', () => waits.length === count);
    waits.at(-1)?.();
  }
  await reader.cancel();
  await until('the end of the stream', () => aborted > 0);
});

test('the event stream reports changes to the queue and to delivery, and drops a client that disconnects', async () => {
  const response = await fetchApi('/export/events');
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body?.getReader();
  assert.ok(reader !== undefined);
  await fetchApi('/export/generate', { method: 'POST' });
  let text = '';
  await until('the delivered event', async () => {
    text += new TextDecoder().decode((await reader.read()).value);
    return text.includes('event: delivered');
  });
  assert.match(text, /event: queue\ndata: \{"kind":"queue"/);
  assert.match(text, /event: collecting/);
  await reader.cancel();
});

test('a requested cleanup removes delivered files and keeps their history', async () => {
  await until('nothing waits', () => running.boat.ledger.queue.counts().pending === 0);
  const response = await fetchApi('/export/queue/cleanup', {
    method: 'POST',
    body: '{"completed_older_than_days":0}',
  });
  const answer: unknown = await response.json();
  assert.ok(Number(at(answer, 'completed_removed')) >= 1, JSON.stringify(answer));
  assert.equal(running.boat.ledger.queue.counts().completed, 0);
  assert.ok(keysAt(await getJson('/export/history'), 'exports').length >= 2);
});
