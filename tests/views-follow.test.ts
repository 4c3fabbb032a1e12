import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { accepting, importing, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

test("the queue view shows an export as uploading, and as completed after central's answer", () =>
  inTemporaryFolder('views-follow', async (root) => {
    prepareBoat({ root });
    const shown = Promise.withResolvers<void>();
    const central = await startScriptedServer(
      importing((request, response) => void shown.promise.then(() => accepting(request, response))),
    );
    const running = await startBoatInProcess({ root, centralUrl: central.url });
    const listed = (list: string): number => {
      const { queueFile } = running.paths;
      return existsSync(queueFile) ? JSON.parse(readFileSync(queueFile, 'utf8'))[list].length : 0;
    };
    try {
      await running.request('POST', '/export/generate');
      await until('the view to show an export that is being sent', () => listed('uploading') === 1);
      shown.resolve();
      await until('the view to show the delivered export', () => listed('completed') === 1);
      assert.equal(listed('uploading') + listed('pending') + listed('failed'), 0);
    } finally {
      shown.resolve();
      await running.stop();
      await central.close();
    }
  }));
