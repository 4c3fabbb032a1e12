import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSignalKStub } from '../packages/boat/src/testing/signalk-stub.ts';
import { temporaryRoot } from '../packages/boat/src/testing/temporary-root.ts';
import { prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { json, receiptFor, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const HEALTH = { service: 'd3kos-central', status: 'ok', time: '2026-06-01T00:00:00Z' };

test('an export that central rejects appears on Signal K while the daemon runs, and a delivery clears it', async () => {
  const root = temporaryRoot('notifications');
  const signalk = await startSignalKStub();
  let isRejecting = true;
  const central = await startScriptedServer((request, response) => {
    if (request.method === 'GET') json(response, 200, HEALTH);
    else if (isRejecting)
      json(response, 400, { status: 'error', error_code: 'INVALID_FORMAT', message: 'no' });
    else json(response, 200, receiptFor(request));
  });
  prepareBoat({ root });
  const running = await startBoatInProcess({
    root,
    centralUrl: central.url,
    environment: { EXPORT_SIGNALK_URL: signalk.url },
  });
  try {
    const states = (): string[] =>
      [...signalk.notifications.values()].map(({ path, state }) => `${path} ${state}`);
    const { json: made } = await running.request('POST', '/export/generate');
    await until('the notification', () => states().length > 0);
    assert.deepEqual(states(), ['export.failed warn']);
    isRejecting = false;
    await running.request('POST', `/export/queue/${made['queue_id']}/retry`);
    await until('the end of the notification', () => states().includes('export.failed normal'));
    assert.ok(running.log.some((line) => line.startsWith('info Notified the owner: 1 export')));
  } finally {
    await running.stop();
    await central.close();
  }
});
