import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import test from 'node:test';
import { createWorld } from '@d3kos/boat';
import { sendPart } from '../packages/boat/src/deliver/send-part.ts';
import { addRecords } from '../packages/sim/src/fixture/index.ts';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { accepting, json, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

test('on a metered connection, small exports are sent and large ones wait unless the owner uses "send now"', () =>
  inTemporaryFolder('metered', async (root) => {
    prepareBoat({ root, rows: 300 });
    const central = await startScriptedServer(accepting);
    const network = { changed: () => new Promise<void>(() => undefined), isMetered: async () => true };
    const boat = await startBoatInProcess({
      root,
      centralUrl: central.url,
      world: { network },
      environment: { EXPORT_METERED_SIZE_MAX: '60000' },
    });
    const counts = () => boat.boat.ledger.queue.counts();
    const { json: large } = await boat.request('POST', '/export/generate');
    assert.ok(Number(large['file_size_bytes']) > 60_000);
    addRecords(root, { rows: 2, seed: 9 });
    const { json: small } = await boat.request('POST', '/export/generate', { type: 'incremental' });
    await until('the small one', () => counts().completed === 1);
    assert.equal(boat.boat.ledger.queue.find(String(small['queue_id']))?.status, 'completed');
    const large1 = boat.boat.ledger.queue.find(String(large['queue_id']));
    assert.deepEqual([large1?.status, large1?.retryCount], ['pending', 0]);
    const untilHold = (hold: string): Promise<void> =>
      until(`the hold is ${hold}`, async () => {
        const { json: status } = await boat.request('GET', '/export/status');
        return (status['data_budget'] as { state: string }).state === hold;
      });
    await untilHold('metered');
    await boat.request('POST', '/export/queue/process');
    await until('the large one', () => counts().completed === 2);
    const { json: cancelled } = await boat.request('POST', '/export/generate');
    await untilHold('metered');
    await boat.request('DELETE', `/export/queue/${String(cancelled['queue_id'])}`);
    await untilHold('affordable');
    await boat.stop();
    await central.close();
  }));

test('a used-up monthly data budget holds further exports, even after a restart', () =>
  inTemporaryFolder('budget', async (root) => {
    prepareBoat({ root, rows: 12_000 });
    const central = await startScriptedServer(accepting);
    // Without compression, the first export exceeds the smallest possible budget.
    const options = {
      root,
      centralUrl: central.url,
      world: { compressor: { compress: async (bytes: Uint8Array) => bytes } },
      environment: { EXPORT_MONTHLY_BUDGET: '1048576' },
    };
    const first = await startBoatInProcess(options);
    await first.request('POST', '/export/generate');
    await until('the first delivery or the hold', async () => {
      const { json: status } = await first.request('GET', '/export/status');
      return (
        first.boat.ledger.queue.counts().completed === 1 ||
        (status['data_budget'] as { state: string }).state === 'over_budget'
      );
    });
    await first.stop();
    const second = await startBoatInProcess(options);
    addRecords(root, { rows: 2, seed: 9 });
    await second.request('POST', '/export/generate', { type: 'incremental' });
    await until('the hold', async () => {
      const { json: status } = await second.request('GET', '/export/status');
      return (status['data_budget'] as { state: string }).state === 'over_budget';
    });
    assert.ok(second.boat.ledger.queue.counts().pending >= 1);
    await second.request('POST', '/export/queue/process');
    await until(
      'all of it',
      () =>
        second.boat.ledger.queue.counts().pending === 0 && second.boat.ledger.queue.counts().uploading === 0,
    );
    await second.stop();
    await central.close();
  }));

test('an upload with a bandwidth limit takes at least as long as the limit requires, and arrives complete', async () => {
  const body = randomBytes(40_000);
  const central = await startScriptedServer((request, response) => {
    json(response, 200, { arrived: createHash('sha256').update(request.body).digest('hex') });
  });
  const began = performance.now();
  await sendPart(
    { ...createWorld({}), clockSynchronized: async () => true },
    {
      centralUrl: central.url,
      token: 'x'.repeat(20),
      ledgerId: '00112233445566ff',
      bundlePublicKey: undefined,
      exportId: 'e',
      part: { index: 1, count: 1 },
      body,
      coding: 'identity',
      bytesPerSecondMax: 100_000,
    },
    new AbortController().signal,
  );
  assert.ok(performance.now() - began > 250);
  assert.deepEqual(central.seen[0]?.body, body);
  await central.close();
});
