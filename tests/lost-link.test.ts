import assert from 'node:assert/strict';
import test from 'node:test';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

test('a link that is lost during an upload uses up no attempt, and the export arrives once the link is back', () =>
  inTemporaryFolder('lost-link', async (root) => {
    prepareBoat({ root });
    let isGone = true;
    const central = await startScriptedServer((request, response) => {
      if (isGone) response.destroy();
      else accepting(request, response);
    });
    const running = await startBoatInProcess({ root, centralUrl: central.url });
    try {
      const { queue } = running.boat.ledger;
      await running.request('POST', '/export/generate');
      await until('the upload to fail', () => queue.list('pending')[0]?.lastError !== undefined);
      const [entry] = queue.list('pending');
      assert.equal(entry?.retryCount, 0, 'no attempt is used up');
      const { json: status } = await running.request('GET', '/export/status');
      assert.equal((status['destination'] as { state: string }).state, 'offline');
      isGone = false;
      await running.request('POST', '/export/queue/process');
      await until('the delivery', () => queue.counts().completed === 1);
    } finally {
      await running.stop();
      await central.close();
    }
  }));
