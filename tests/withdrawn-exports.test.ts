import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { findGaps } from '@d3kos/central';
import { addRecords } from '../packages/sim/src/fixture/index.ts';
import { INSTALLATION, prepareBoat } from './support/boat-in-process.ts';
import { untilDrained } from './support/deliver-everything.ts';
import {
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  startCentral,
  startDaemon,
  toEnding,
  withCentralStore,
} from './support/processes.ts';
import { assertCentralHolds, readRecordsOfBoat } from './support/records-of-boat.ts';
import { until } from './support/until.ts';

test("after the next export, central reports no gap for a cancelled export and holds that export's records", async (t) => {
  const processes = createProcesses(toEnding(t));
  const root = join(processes.folder('withdrawn'), 'boat');
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  prepareBoat({ root, rows: 20 }, token);
  const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: central.url });
  const generate = async (): Promise<string> => {
    const { json } = await daemon.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(json['queued'], true);
    return String(json['queue_id']);
  };
  const node = await startCentral(processes, central);
  await generate();
  await untilDrained(daemon);
  assert.equal(await node.stop(), 0);

  addRecords(root, { rows: 7, seed: 3 });
  const { status } = await daemon.request('DELETE', `/export/queue/${await generate()}`);
  assert.equal(status, 200);
  await generate();
  const again = await startCentral(processes, central);
  await until('the next export to be delivered', async () => {
    await daemon.request('POST', '/export/queue/process');
    const { json } = await daemon.request('GET', '/export/history');
    // The API tests check the shape of the answer.
    return (json['exports'] as readonly unknown[]).length === 2;
  });
  assert.equal(await daemon.stop(), 0);
  await withCentralStore(central, async (store) => {
    const { missing_sequences, withdrawn_sequences } = await findGaps(store, INSTALLATION);
    assert.deepEqual([missing_sequences, withdrawn_sequences], [[], [2]]);
    await assertCentralHolds(store, INSTALLATION, readRecordsOfBoat(root), {
      engine_benchmark: 2,
      qr_codes: 2,
      settings: 1,
      onboarding: 1,
    });
  });
  assert.equal(await again.stop(), 0);
});
