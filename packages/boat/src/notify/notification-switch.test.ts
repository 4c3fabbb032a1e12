import assert from 'node:assert/strict';
import test from 'node:test';
import { createNotifiedBoat, NO_SERVER } from '../testing/notified-boat.ts';
import { startSignalKStub } from '../testing/signalk-stub.ts';
import { serveHttp } from '../testing/transport-servers.ts';
import { setNotifications } from './notification-switch.ts';

test('switching off clears Signal K without calling the webhook, and switching on notifies again', async () => {
  const stub = await startSignalKStub();
  const calls: unknown[] = [];
  const { url: webhookUrl } = await serveHttp((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      calls.push((JSON.parse(body) as { readonly event: string }).event);
      response.end();
    });
  });
  const boat = createNotifiedBoat({ signalkUrl: stub.url, webhookUrl });
  boat.fail(boat.enqueue().entryNo);
  await boat.look();
  assert.deepEqual(
    boat.ledger.notifications.list().map(({ channel, exportCount }) => [channel, exportCount]),
    [
      ['signalk', 1],
      ['webhook', 1],
    ],
  );
  setNotifications(boat.ledger.facts, 'off');
  await boat.look();
  assert.deepEqual(boat.ledger.notifications.list(), []);
  assert.ok([...stub.notifications.values()].every(({ state }) => state === 'normal'));
  boat.fail(boat.enqueue().entryNo);
  await boat.look();
  assert.deepEqual(calls, ['raised']);
  setNotifications(boat.ledger.facts, 'on');
  await boat.look();
  assert.deepEqual(calls, ['raised', 'raised']);
  assert.equal(boat.ledger.notifications.find('signalk', 'failed')?.exportCount, 2);
});

test('the states explain why a channel does not show a notification', async () => {
  const boat = createNotifiedBoat({ signalkUrl: NO_SERVER, webhookUrl: NO_SERVER });
  assert.deepEqual(boat.states(), { signalk: 'ready', webhook: 'ready' });
  const { entryNo } = boat.enqueue();
  boat.fail(entryNo);
  await boat.look();
  assert.deepEqual(boat.states(), { signalk: 'unreachable', webhook: 'failing' });
  boat.retry(entryNo);
  await boat.look();
  assert.equal(boat.states()?.webhook, 'ready');
});
