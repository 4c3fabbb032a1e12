import assert from 'node:assert/strict';
import test from 'node:test';
import { createClock } from '../packages/boat/src/platform/clock.ts';
import { createDisk } from '../packages/boat/src/platform/disk.ts';
import { isExportError } from '../packages/boat/src/platform/errors.ts';
import type { WallMs } from '../packages/boat/src/platform/ports.ts';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { accepting, importing, json, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const DAY_MS = 24 * 3_600_000;

test('an export cannot be retried during its removal, because its file may be gone', () =>
  inTemporaryFolder('amid-cleanup', async (root) => {
    prepareBoat({ root });
    const real = createDisk();
    let aheadMs = 0;
    let onRemove: ((path: string) => void) | undefined;
    const central = await startScriptedServer(
      importing((_, response) =>
        json(response, 422, { status: 'error', error_code: 'NO', message: 'not this export' }),
      ),
    );
    const running = await startBoatInProcess({
      root,
      centralUrl: central.url,
      world: {
        clock: { ...createClock(), wall: () => (Date.now() + aheadMs) as WallMs },
        disk: {
          ...real,
          remove: async (path) => {
            onRemove?.(path);
            await real.remove(path);
          },
        },
      },
    });
    try {
      const { queue } = running.boat.ledger;
      await running.request('POST', '/export/generate');
      await until('a failed export', () => queue.counts().failed === 1);
      central.answer(accepting);
      await running.request('POST', '/export/generate');
      await until('a delivered export', () => queue.counts().completed === 1);
      const [failed] = queue.list('failed');
      assert.ok(failed !== undefined);
      aheadMs = 8 * DAY_MS;
      const refusals: unknown[] = [];
      onRemove = (path) => {
        if (path !== failed.exportFile) return;
        try {
          running.boat.manager.retry(failed.queueId);
        } catch (error) {
          refusals.push(error);
        }
      };
      assert.equal((await running.boat.manager.cleanup()).failedRemoved, 1);
      assert.equal(refusals.length, 1);
      assert.ok(isExportError(refusals[0], 'ENTRY_STATE'));
      assert.equal(queue.get(failed.entryNo), undefined);
    } finally {
      await running.stop();
      await central.close();
    }
  }));
