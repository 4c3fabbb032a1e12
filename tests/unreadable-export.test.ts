import assert from 'node:assert/strict';
import test from 'node:test';
import { ExportError } from '../packages/boat/src/platform/errors.ts';
import { createDisk } from '../packages/boat/src/platform/disk.ts';
import type { Disk } from '../packages/boat/src/platform/ports.ts';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

for (const partSizeBytes of [1024 * 1024, 16_384])
  test(`an export with an unreadable file uses up its attempts, and later exports are delivered (parts of ${partSizeBytes} bytes)`, () =>
    inTemporaryFolder('unreadable', async (root) => {
      prepareBoat({ root, rows: 200 });
      let unreadable = '';
      const real = createDisk();
      const disk: Disk = {
        ...real,
        readRange: async (path, offset, length) => {
          if (path === unreadable)
            throw new ExportError('DISK_FAILED', `The storage failed: read ${path}`, {
              op: 'read',
              hint: 'card',
            });
          return real.readRange(path, offset, length);
        },
      };
      let isLinkUp = false;
      const central = await startScriptedServer((request, response) => {
        if (isLinkUp) accepting(request, response);
        else response.destroy();
      });
      const running = await startBoatInProcess({
        root,
        centralUrl: central.url,
        partSizeBytes,
        world: { disk },
      });
      try {
        const { queue } = running.boat.ledger;
        await running.request('POST', '/export/generate');
        await running.request('POST', '/export/generate');
        const [first, second] = [...queue.list('uploading'), ...queue.list('pending')];
        assert.ok(first !== undefined && second !== undefined);
        unreadable = first.exportFile;
        isLinkUp = true;
        await running.request('POST', '/export/queue/process');
        await until('the second export', () => queue.get(second.entryNo)?.status === 'completed');
        const left = queue.get(first.entryNo);
        assert.equal(left?.status, 'pending');
        assert.equal(left.retryCount, 2, 'the export is tried again in five minutes');
        assert.match(left.lastError ?? '', /storage failed/);
      } finally {
        await running.stop();
        await central.close();
      }
    }));
