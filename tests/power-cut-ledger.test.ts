import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import {
  INSTALLATION,
  inTemporaryFolder,
  prepareBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { createProcesses, enrollAt, placeCentral, startCentral, toEnding } from './support/processes.ts';
import { until } from './support/until.ts';

/** Small enough for the export to have several parts. */
const PART_SIZE_BYTES = 32 * 1024;

test('a delivered export whose ledger was lost is adopted, and central accepts its parts as duplicates', async (t) => {
  const processes = createProcesses(toEnding(t));
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  await startCentral(processes, central);
  await inTemporaryFolder('lost-ledger', async (root) => {
    prepareBoat({ root, rows: 400 }, token);
    const start = () => startBoatInProcess({ root, centralUrl: central.url, partSizeBytes: PART_SIZE_BYTES });
    const first = await start();
    const { ledger, queueFile, historyFile } = first.paths;
    try {
      await first.request('POST', '/export/generate', { type: 'full' });
      await until('the delivery', () => first.boat.ledger.queue.counts().completed === 1);
    } finally {
      await first.stop();
    }
    for (const path of [`${ledger}-wal`, `${ledger}-shm`, queueFile, historyFile])
      rmSync(path, { force: true });
    writeFileSync(ledger, 'not a database');
    const second = await start();
    try {
      await until('an end', () => {
        const { pending, uploading } = second.boat.ledger.queue.counts();
        return pending + uploading === 0;
      });
      const { completed, failed } = second.boat.ledger.queue.counts();
      assert.deepEqual({ completed, failed }, { completed: 1, failed: 0 }, second.log.join('\n'));
    } finally {
      await second.stop();
    }
  });
});
