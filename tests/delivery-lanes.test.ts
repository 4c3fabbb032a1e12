import assert from 'node:assert/strict';
import test from 'node:test';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { HEALTHY, json, receiptFor, type Script, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

test('a new small export is sent between the parts of a large one, and both arrive', () =>
  inTemporaryFolder('lanes', async (root) => {
    prepareBoat({ root, rows: 4_000 });
    const order: string[] = [];
    let release: (() => void) | undefined;
    const script: Script = (request, response) => {
      if (request.path === '/api/v1/health') {
        json(response, 200, HEALTHY);
        return;
      }
      // When the large export is resumed, the boat queries the held parts, but this central does not have that route.
      if (request.method === 'GET') {
        json(response, 404, {});
        return;
      }
      const answer = (): void => json(response, 200, receiptFor(request));
      order.push(String(request.headers['idempotency-key']));
      // The first part waits until the small export exists.
      if (order.length === 1) release = answer;
      else answer();
    };
    const central = await startScriptedServer(script);
    const running = await startBoatInProcess({ root, centralUrl: central.url, partSizeBytes: 65_536 });
    try {
      const { json: bulk } = await running.request('POST', '/export/generate');
      await until('the first part', () => release !== undefined);
      const { json: small } = await running.request('POST', '/export/generate', {
        type: 'incremental',
        trigger: 'manual',
      });
      assert.equal(small['queued'], false, 'nothing is new yet');
      const { addRecords } = await import('../packages/sim/src/fixture/index.ts');
      addRecords(root, { rows: 3, seed: 5 });
      const { json: fresh } = await running.request('POST', '/export/generate', { type: 'incremental' });
      assert.equal(fresh['queued'], true);
      release?.();
      await until('both', () => running.boat.ledger.queue.counts().completed === 2);
      const freshAt = order.findIndex((key) => key.startsWith(String(fresh['export_id'])));
      const lastBulk = order.findLastIndex((key) => key.startsWith(String(bulk['export_id'])));
      assert.equal(freshAt, 1, `the small one was number ${freshAt} of ${order.length}`);
      assert.ok(lastBulk > 5);
      assert.equal(new Set(order).size, order.length, 'nothing was sent twice');
    } finally {
      await running.stop();
      await central.close();
    }
  }));
