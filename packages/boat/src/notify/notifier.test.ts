import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import test from 'node:test';
import { CANCELLED_REASON } from '../ledger/policy.ts';
import { startSignalKStub } from '../testing/signalk-stub.ts';
import { serveHttp } from '../testing/transport-servers.ts';
import { createNotifiedBoat, ID, NO_SERVER } from '../testing/notified-boat.ts';
import { createNotifier } from './notifier.ts';

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

const texts = (stub: Awaited<ReturnType<typeof startSignalKStub>>) =>
  [...stub.notifications.values()].map(({ path, state, message }) => `${path} ${state} ${message}`);

test('Signal K shows failed exports, updates their number, and clears the notification once all are retried', async () => {
  const stub = await startSignalKStub();
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  const [first, second] = [boat.enqueue(), boat.enqueue()];
  boat.fail(first.entryNo);
  await boat.look();
  assert.deepEqual(texts(stub), [
    'export.failed warn 1 export could not be delivered. Data Management shows the reason.',
  ]);
  boat.fail(second.entryNo);
  boat.pass(6 * MINUTE_MS);
  await boat.look();
  assert.match(texts(stub).join(), /^export\.failed warn 2 exports/);
  boat.retry(first.entryNo);
  boat.retry(second.entryNo);
  boat.pass(6 * MINUTE_MS);
  await boat.look();
  assert.match(texts(stub).join(), /^export\.failed normal /);
  assert.equal(boat.ledger.notifications.find('signalk', 'failed'), undefined);
});

test('shows an export that has waited for more than 7 days, even if it was created before the clock was set', async () => {
  const stub = await startSignalKStub();
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  boat.enqueue(1_000);
  boat.enqueue();
  boat.pass(7 * DAY_MS - 1_000);
  boat.enqueue();
  await boat.look();
  assert.deepEqual(stub.seen, [], 'a creation time in 1970 alone proves nothing');
  boat.pass(2_000);
  await boat.look();
  assert.match(
    texts(stub).join(),
    /^export\.waiting alert 2 exports have been waiting to be sent ashore for more than 7 days/,
  );
});

test('ignores ages and clears nothing while the clock is known to be wrong', async () => {
  const stub = await startSignalKStub();
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  const { entryNo } = boat.enqueue();
  boat.pass(400 * DAY_MS);
  boat.facts.isClockSynchronized = false;
  await boat.look();
  assert.deepEqual(stub.seen, []);
  boat.facts.isClockSynchronized = true;
  await boat.look();
  assert.equal(stub.notifications.size, 1);
  boat.facts.isClockSynchronized = false;
  boat.pass(6 * MINUTE_MS);
  await boat.look();
  assert.match(texts(stub).join(), /^export\.waiting alert /);
  boat.fail(entryNo, CANCELLED_REASON);
  boat.pass(6 * MINUTE_MS);
  await boat.look();
  assert.match(texts(stub).join(), /^export\.waiting normal /, 'an empty queue contains no waiting exports');
});

test('does not count an export that the owner cancelled as failed', async () => {
  const stub = await startSignalKStub();
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  boat.fail(boat.enqueue().entryNo, CANCELLED_REASON);
  await boat.look();
  assert.deepEqual(stub.seen, []);
  assert.equal(boat.facts.licenseReads, 0, 'not even the licence is read');
});

test('repeats nothing after the boat restarts, and loses nothing when Signal K restarts', async () => {
  const stub = await startSignalKStub();
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  const { entryNo } = boat.enqueue();
  boat.fail(entryNo);
  await boat.look();
  boat.restart();
  await boat.look();
  assert.equal(stub.seen.filter(({ method }) => method === 'POST').length, 1);
  stub.restart();
  boat.pass(6 * MINUTE_MS);
  await boat.look();
  assert.equal(stub.notifications.size, 1, 'raised again');
  boat.restart();
  boat.retry(entryNo);
  await boat.look();
  assert.match(texts(stub).join(), /^export\.failed normal /);
});

test('requests access to a secured server once, and keeps the token in a private file and out of the log', async () => {
  const stub = await startSignalKStub();
  stub.mode = 'secured';
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  boat.fail(boat.enqueue().entryNo);
  for (let looks = 0; looks < 5; looks += 1) {
    await boat.look();
    boat.pass(16 * MINUTE_MS);
    boat.restart();
  }
  const requests = stub.seen.filter(({ path }) => path === '/signalk/v1/access/requests');
  assert.equal(requests.length, 1);
  assert.match(JSON.parse(requests[0]?.body ?? '{}').clientId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8/);
  assert.equal(boat.log.filter((line) => line.includes('waiting for the owner')).length, 5, 'once per run');
  stub.approve('a-secret-token');
  await boat.look();
  assert.equal(stub.notifications.size, 1);
  assert.equal(statSync(boat.paths.signalkAccess).mode & 0o777, 0o600);
  assert.match(readFileSync(boat.paths.signalkAccess, 'utf8'), /a-secret-token/);
  assert.ok(!boat.log.join('\n').includes('a-secret-token'));
});

test('never asks again after the owner denied access, and renews an expired token with one request', async () => {
  const stub = await startSignalKStub();
  stub.mode = 'secured';
  const boat = createNotifiedBoat({ signalkUrl: stub.url });
  const asked = () => stub.seen.filter(({ path }) => path === '/signalk/v1/access/requests').length;
  boat.fail(boat.enqueue().entryNo);
  await boat.look();
  stub.approve('first');
  boat.pass(16 * MINUTE_MS);
  await boat.look();
  assert.equal(stub.notifications.size, 1);
  stub.validToken = 'revoked';
  stub.decision = undefined;
  boat.pass(25 * 60 * MINUTE_MS);
  await boat.look();
  assert.equal(asked(), 2);
  stub.decision = { permission: 'DENIED' };
  for (let day = 0; day < 30; day += 1) {
    boat.pass(DAY_MS);
    await boat.look();
  }
  assert.equal(asked(), 2);
  assert.equal(boat.log.filter((line) => line.includes('denied')).length, 1, 'and it is reported once');
});

test('a hostile server cannot choose the next request or write to the log', async () => {
  const seen: string[] = [];
  const { url } = await serveHttp((request, response) => {
    seen.push(request.url ?? '');
    const status = request.url?.includes('access') === true ? 202 : 401;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ state: 'PENDING', href: 'http://203.0.113.1/secret', message: 'PLANTED' }));
  });
  const boat = createNotifiedBoat({ signalkUrl: url });
  boat.fail(boat.enqueue().entryNo);
  await boat.look();
  boat.pass(16 * MINUTE_MS);
  await boat.look();
  assert.deepEqual([...new Set(seen)], ['/signalk/v2/api/notifications', '/signalk/v1/access/requests']);
  assert.ok(!boat.log.join().includes('PLANTED'));
});

for (const [name, mode, text] of [
  ['without the Notifications API', 'without_api', 'has no Notifications API'],
  ['that fails', 'failing', 'HTTP 500'],
] as const)
  test(`reports a Signal K server ${name} once, and contacts it at most every 15 minutes`, async () => {
    const stub = await startSignalKStub();
    stub.mode = mode;
    const boat = createNotifiedBoat({ signalkUrl: stub.url });
    boat.fail(boat.enqueue().entryNo);
    for (let minutes = 0; minutes < 24 * 60; minutes += 1) {
      await boat.look();
      boat.pass(MINUTE_MS);
    }
    assert.ok(stub.seen.length < 102, `${stub.seen.length} requests in a day`);
    assert.equal(boat.log.filter((line) => line.includes(text)).length, 1);
  });

test('without a Signal K server, logs a single line, and only once there is something to show', async () => {
  const boat = createNotifiedBoat({ signalkUrl: NO_SERVER });
  boat.enqueue();
  await boat.look();
  assert.deepEqual(boat.log, []);
  boat.pass(8 * DAY_MS);
  await boat.look();
  boat.pass(DAY_MS);
  await boat.look();
  assert.equal(boat.log.length, 1);
  assert.match(
    boat.log.join(),
    /^info Signal K does not answer at http:\/\/127\.0\.0\.1:9: connect ECONNREFUSED/,
  );
});

test('opens no connection at tier 0', async () => {
  const stub = await startSignalKStub();
  const boat = createNotifiedBoat({ signalkUrl: stub.url, webhookUrl: `${stub.url}/hook` });
  boat.facts.tier = 0;
  boat.fail(boat.enqueue().entryNo);
  await boat.look();
  assert.deepEqual(stub.seen, []);
});

test('there is no notifier if the setting is 0 days or there is no receiver', () => {
  assert.equal(createNotifierOf({ afterDays: 0, signalkUrl: NO_SERVER }), undefined);
  assert.equal(createNotifierOf({ afterDays: 7, signalkUrl: undefined }), undefined);
});

function createNotifierOf(settings: { afterDays: number; signalkUrl: string | undefined }) {
  // The settings are read first, so the other fields are not needed.
  return createNotifier({ ...settings, webhookUrl: undefined } as Parameters<typeof createNotifier>[0]);
}

test('calls the webhook once when a condition begins and once when it ends, retries failed calls, and sends no content', async () => {
  let status = 503;
  const bodies: unknown[] = [];
  const { url } = await serveHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(status, { location: 'http://203.0.113.1/' }).end('x'.repeat(100_000));
    });
  });
  const boat = createNotifiedBoat({ webhookUrl: `${url}/hook?key=s3cret` });
  const { entryNo } = boat.enqueue();
  boat.fail(entryNo, 'HTTP 400 PRIVATE: record 17 of Jo Skipper');
  assert.equal(Math.round(((await boat.look()) ?? 0) / MINUTE_MS), 1, 'the next call is due in a minute');
  await boat.look();
  assert.equal(bodies.length, 1, 'no call before it is due');
  status = 302;
  boat.pass(2 * MINUTE_MS);
  await boat.look();
  status = 204;
  boat.pass(5 * MINUTE_MS);
  boat.restart();
  await boat.look();
  await boat.look();
  boat.restart();
  await boat.look();
  assert.equal(bodies.length, 3, 'does not repeat an accepted call');
  boat.retry(entryNo);
  await boat.look();
  await boat.look();
  assert.deepEqual(bodies.slice(2), [
    {
      service: 'd3kos-export-manager',
      installation_id: ID,
      event: 'raised',
      subject: 'failed',
      export_count: 1,
      message: '1 export could not be delivered. Data Management shows the reason.',
    },
    {
      service: 'd3kos-export-manager',
      installation_id: ID,
      event: 'cleared',
      subject: 'failed',
      export_count: 0,
      message: 'No failed exports remain.',
    },
  ]);
  assert.ok(!boat.log.join().includes('s3cret'));
});

test('gives up on a webhook that refuses, with one warning', async () => {
  let calls = 0;
  const { url } = await serveHttp((_, response) => {
    calls += 1;
    response.writeHead(404).end();
  });
  const boat = createNotifiedBoat({ webhookUrl: url });
  boat.fail(boat.enqueue().entryNo);
  for (let looks = 0; looks < 3; looks += 1) {
    await boat.look();
    boat.pass(DAY_MS);
  }
  assert.equal(calls, 1);
  assert.equal(boat.log.filter((line) => line.startsWith('warn')).length, 1);
  assert.ok(!boat.log.join().includes('Notified the owner'));
});
