import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import test from 'node:test';
import {
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import {
  accepting,
  importing,
  json,
  receiptFor,
  type Script,
  type SeenRequest,
  startScriptedServer,
} from './support/scripted-central.ts';
import { until } from './support/until.ts';

async function withBoat(
  script: Script,
  work: (running: RunningBoat, central: Awaited<ReturnType<typeof startScriptedServer>>) => Promise<void>,
  options: { readonly partSizeBytes?: number; readonly rows?: number; readonly tier?: 0 | 1 | 2 } = {},
): Promise<void> {
  await inTemporaryFolder('verdicts', async (root) => {
    prepareBoat({ root, ...options });
    const central = await startScriptedServer(script);
    const running = await startBoatInProcess({ root, centralUrl: central.url, ...options });
    try {
      await work(running, central);
    } finally {
      await running.stop();
      await central.close();
    }
  });
}

const counts = ({ boat }: RunningBoat) => boat.ledger.queue.counts();
const state = async (running: RunningBoat) => {
  const { json: status } = await running.request('GET', '/export/status');
  return (status['destination'] as { state: string }).state;
};
const refuse =
  (status: number, errorCode: string, headers: Record<string, string> = {}) =>
  (_: SeenRequest, response: ServerResponse) =>
    json(response, status, { status: 'error', error_code: errorCode, message: 'no' }, headers);
const html =
  (status: number): Script =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Welcome to the marina</html>');
  };

test('a matching receipt marks an export as delivered in the ledger, the view and the log', () =>
  withBoat(accepting, async (running, central) => {
    const { json: made } = await running.request('POST', '/export/generate');
    assert.equal(made['success'], true);
    await until('the delivery', () => counts(running).completed === 1);
    const sent = central.seen.find((request) => request.method === 'POST');
    assert.equal(sent?.headers['authorization'], 'Bearer device-token-of-the-tests-0123456789');
    assert.equal(sent?.headers['idempotency-key'], `${made['export_id']}/1`);
    assert.match(String(sent?.headers['content-digest']), /^sha-256=:[A-Za-z0-9+/]{43}=:$/);
    assert.equal(sent?.headers['content-type'], 'application/json');
    await until(
      'the view',
      () =>
        existsSync(running.paths.historyFile) &&
        JSON.parse(readFileSync(running.paths.historyFile, 'utf8')).exports.length === 1,
    );
    assert.ok(
      running.log.some((line) => line.includes(`✓ Export uploaded successfully: ${made['queue_id']}`)),
    );
  }));

const PORTALS: readonly (readonly [string, Script])[] = [
  ['200 with HTML', html(200)],
  ['511', html(511)],
  [
    'a redirect',
    (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/login' }).end(),
  ],
  ['200 with other JSON', (_, response) => json(response, 200, { ok: true })],
  ['200 with nothing', (_, response) => void response.writeHead(200).end()],
];
for (const [name, script] of PORTALS)
  test(`${name} does not come from central: no attempt is used up, and the export is delivered once central answers`, () =>
    withBoat(script, async (running, central) => {
      const { json: made } = await running.request('POST', '/export/generate');
      await until('the portal to be detected', async () => (await state(running)) === 'captive_portal');
      await until('the entry to wait again', () => counts(running).pending === 1);
      const entry = running.boat.ledger.queue.find(String(made['queue_id']));
      assert.equal(entry?.retryCount, 0);
      assert.ok(entry?.lastError !== undefined);
      central.answer(accepting);
      await running.request('POST', '/export/queue/process');
      await until('the delivery', () => counts(running).completed === 1);
    }));

/** The proxy refuses the first export and lets the others pass. */
const refusingFirst = (refuseIt: Script): Script => {
  let first: unknown;
  return importing((request, response) => {
    const key = request.headers['idempotency-key'];
    first ??= key;
    if (key === first) refuseIt(request, response);
    else json(response, 200, receiptFor(request));
  });
};
const REFUSALS: readonly (readonly [string, Script, RegExp])[] = [
  ["a firewall's page with 403", html(403), /A proxy refuses this export \(HTTP 403\)/],
  ['451', html(451), /A proxy refuses this export \(HTTP 451\)/],
  ['407', html(407), /A proxy refuses this export \(HTTP 407\)/],
  ["a proxy's 413", html(413), /A proxy refuses this export \(HTTP 413\)/],
  ['200 with other JSON', (_, response) => json(response, 200, { ok: true }), /\(HTTP 200\)/],
  [
    'a receipt for a different export',
    (request, response) => json(response, 200, receiptFor(request, { export_id: 'exp_other' })),
    /different export/,
  ],
  [
    'a receipt for different bytes',
    (request, response) => json(response, 200, receiptFor(request, { sha256: '0'.repeat(64) })),
    /different body/,
  ],
];
for (const [name, script, why] of REFUSALS)
  test(`${name}, while central answers its probe, lets only that export step aside, and "send now" sends it`, () =>
    withBoat(refusingFirst(script), async (running, central) => {
      const { json: made } = await running.request('POST', '/export/generate');
      const entry = () => running.boat.ledger.queue.find(String(made['queue_id']));
      await until(
        'the export to step aside',
        () => entry()?.refusalCount === 1 && entry()?.status === 'pending',
      );
      assert.equal(entry()?.retryCount, 0);
      assert.match(String(entry()?.lastError), why);
      const { json: status } = await running.request('GET', '/export/status');
      const { state: seen, explanation } = status['destination'] as { state: string; explanation: string };
      assert.equal(seen, 'online');
      assert.match(explanation, why);
      assert.doesNotMatch(explanation, /Wi-Fi|sign in/);
      await running.request('POST', '/export/generate');
      await until('the other delivery', () => counts(running).completed === 1);
      assert.equal(counts(running).pending, 1);
      central.answer(accepting);
      await running.request('POST', '/export/queue/process');
      await until('the delivery', () => counts(running).completed === 2);
    }));

test('"send now" ends the wait after used attempts', () =>
  withBoat(importing(refuse(503, 'UNAVAILABLE')), async (running, central) => {
    const { json: made } = await running.request('POST', '/export/generate');
    const entry = () => running.boat.ledger.queue.find(String(made['queue_id']));
    await until('two attempts', () => entry()?.retryCount === 2 && entry()?.status === 'pending');
    central.answer(accepting);
    await running.request('POST', '/export/queue/process');
    await until('the delivery', () => counts(running).completed === 1);
  }));

test('"send now" ends the hourly wait of a blocked destination', () =>
  withBoat(importing(refuse(401, 'INVALID_TOKEN')), async (running, central) => {
    await running.request('POST', '/export/generate');
    await until('blocked', async () => (await state(running)) === 'blocked');
    central.answer(accepting);
    await running.request('POST', '/export/queue/process');
    await until('the delivery', () => counts(running).completed === 1);
  }));

test('without an answer, the destination is offline, and no attempt is used up', () =>
  withBoat(accepting, async (running, central) => {
    await central.close();
    await running.request('POST', '/export/generate');
    await until('offline', async () => (await state(running)) === 'offline');
    await until('the entry to wait again', () => counts(running).pending === 1);
    assert.equal(running.boat.ledger.queue.list('pending')[0]?.retryCount, 0);
  }));

for (const [status, code] of [
  [401, 'INVALID_TOKEN'],
  [403, 'INSTALLATION_MISMATCH'],
  [404, 'NOT_FOUND'],
] as const)
  test(`${status} from central blocks delivery and is reported, and no attempt is used up`, () =>
    withBoat(importing(refuse(status, code)), async (running) => {
      await running.request('POST', '/export/generate');
      await until('blocked', async () => (await state(running)) === 'blocked');
      assert.equal(running.boat.ledger.queue.list('pending')[0]?.retryCount, 0);
      const { json: answer } = await running.request('GET', '/export/status');
      assert.match(String((answer['destination'] as { explanation: string }).explanation), /token/);
    }));

for (const [status, code] of [
  [400, 'INVALID_FORMAT'],
  [409, 'IDEMPOTENCY_CONFLICT'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [422, 'X'],
] as const)
  test(`${status} from central fails the export at once, keeps its file, and makes its records due again`, () =>
    withBoat(importing(refuse(status, code)), async (running, central) => {
      const { json: made } = await running.request('POST', '/export/generate');
      await until('the failure', () => counts(running).failed === 1);
      const [failed] = running.boat.ledger.queue.list('failed');
      assert.equal(failed?.exportFile, `${running.paths.failed}/${made['queue_id']}_failed.json`);
      assert.ok(existsSync(failed.exportFile));
      assert.match(String(failed.lastError), new RegExp(code));
      central.answer(accepting);
      const { json: next } = await running.request('POST', '/export/generate', { type: 'incremental' });
      assert.equal(next['record_count'], made['record_count']);
      await until('the next delivery', () => counts(running).completed === 1);
      const { json: retried } = await running.request('POST', `/export/queue/${made['queue_id']}/retry`);
      assert.equal(retried['success'], true);
      await until('the requeued delivery', () => counts(running).completed === 2);
    }));

for (const [name, script, expected] of [
  ['503 with Retry-After', refuse(503, 'UNAVAILABLE', { 'retry-after': '600' }), 600_000],
  ['503', refuse(503, 'UNAVAILABLE'), 300_000],
  ['500', refuse(500, 'INTERNAL'), 300_000],
  ['502 with HTML', html(502), 300_000],
] as const)
  test(`${name} uses up attempts as in the legacy exporter, and the export waits`, () =>
    withBoat(importing(script), async (running) => {
      const { json: made } = await running.request('POST', '/export/generate');
      const expectedSpent = expected === 600_000 ? 1 : 2;
      const entry = () => running.boat.ledger.queue.find(String(made['queue_id']));
      await until(
        'the attempts',
        () => entry()?.retryCount === expectedSpent && entry()?.status === 'pending',
      );
      const waitMs = (entry()?.nextRetryAtMs ?? 0) - Date.now();
      assert.ok(waitMs > expected * 0.95 && waitMs < expected * 1.11, `waits ${waitMs} ms`);
      assert.equal(await state(running), 'unavailable');
    }));

test('429 uses up no attempt, no export is sent in the meantime, and "send now" tries again immediately', () => {
  const quota = refuse(429, 'QUOTA_EXCEEDED', { 'retry-after': '3600' });
  return withBoat(importing(quota), async (running, central) => {
    const posts = () => central.seen.filter(({ method }) => method === 'POST').length;
    for (let tries = 1; tries <= 5; tries += 1) {
      await running.request('POST', '/export/generate');
      await running.request('POST', '/export/queue/process');
      await until('the refusal', () => posts() >= tries && counts(running).uploading === 0);
    }
    assert.deepEqual(
      running.boat.ledger.queue.list('pending').map(({ retryCount }) => retryCount),
      [0, 0, 0, 0, 0],
    );
    assert.equal(await state(running), 'unavailable');
    central.answer(accepting);
    await running.request('POST', '/export/queue/process');
    await until('the deliveries', () => counts(running).completed === 5);
  });
});

test('an incomplete answer uses up an attempt, and a retry with the same key delivers the export', () => {
  let posts = 0;
  const script = importing((request, response) => {
    posts += 1;
    if (posts === 1)
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
        .write('{"status"', () => response.destroy());
    else json(response, 200, receiptFor(request, { duplicate: true }));
  });
  return withBoat(script, async (running, central) => {
    await running.request('POST', '/export/generate');
    await until('the delivery', () => counts(running).completed === 1);
    const keys = central.seen
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
  });
});

test('after 413, the boat cuts smaller parts until central accepts them, and every record arrives once', () => {
  const stored = new Map<string, string>();
  const script = importing((request, response) => {
    if (request.body.length > 40_000) {
      refuse(413, 'BODY_TOO_LARGE')(request, response);
      return;
    }
    const document = JSON.parse(request.body.toString('utf8'));
    for (const entry of document.data.boatlog.entries) {
      assert.equal(stored.has(entry.record_id), false, `${entry.record_id} arrived twice`);
      stored.set(entry.record_id, String(request.headers['idempotency-key']));
    }
    json(response, 200, receiptFor(request));
  });
  return withBoat(
    script,
    async (running) => {
      await running.request('POST', '/export/generate');
      await until('the delivery', () => counts(running).completed === 1);
      assert.equal(stored.size, 1_500);
      assert.ok(new Set(stored.values()).size > 5);
    },
    { rows: 1_500 },
  );
});

test('413 for a small part that cannot be cut fails the export', () =>
  withBoat(importing(refuse(413, 'BODY_TOO_LARGE')), async (running) => {
    await running.request('POST', '/export/generate');
    await until('the failure', () => counts(running).failed === 1);
  }));

test('at tier 0, no export is created and no connection is opened', () =>
  withBoat(
    accepting,
    async (running, central) => {
      const { status, json: refused } = await running.request('POST', '/export/generate');
      assert.equal(status, 403);
      assert.equal(refused['error'], 'Tier 0 does not have export capability');
      assert.equal(refused['code'], 'TIER_TOO_LOW');
      await running.request('POST', '/export/queue/process');
      await running.request('GET', '/export/status');
      assert.equal(central.connections(), 0);
    },
    { tier: 0 },
  ));

test('the records of a cancelled export are in the next export', () =>
  withBoat(html(200), async (running, central) => {
    const { json: made } = await running.request('POST', '/export/generate', { type: 'incremental' });
    const { json: nothing } = await running.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(nothing['queued'], false);
    const { json: cancelled } = await running.request('DELETE', `/export/queue/${made['queue_id']}`);
    assert.equal(cancelled['success'], true);
    central.answer(accepting);
    const { json: again } = await running.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(again['record_count'], made['record_count']);
  }));

test('ten concurrent requests create ten exports, even within one second', () =>
  withBoat(html(200), async (running) => {
    const made = await Promise.all(
      Array.from({ length: 10 }, () => running.request('POST', '/export/generate')),
    );
    const ids = new Set(made.map(({ json: answer }) => answer['queue_id']));
    assert.equal(ids.size, 10);
    const { pending, uploading } = counts(running);
    assert.equal(pending + uploading, 10);
  }));
