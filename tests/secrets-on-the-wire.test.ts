import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { addRecords, BOAT_GENERATIONS, PLANTED_SECRET_VALUES } from '../packages/sim/src/fixture/index.ts';
import { inTemporaryFolder, prepareBoat, startBoatInProcess, TOKEN } from './support/boat-in-process.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

/** Returns the contents of all files under a folder as one string. */
function readAll(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

for (const generation of BOAT_GENERATIONS.filter((name) => name !== 'fresh'))
  test(`the exports and requests of a ${generation} boat contain no planted secret and no local path`, () =>
    inTemporaryFolder('secrets', async (root) => {
      prepareBoat({ root, generation, rows: 60 });
      const central = await startScriptedServer(accepting);
      const boat = await startBoatInProcess({ root, centralUrl: central.url });
      await boat.request('POST', '/export/generate');
      addRecords(root, { rows: 10, seed: 3 });
      await boat.request('POST', '/export/generate', { type: 'incremental' });
      await until('both deliveries', () => boat.boat.ledger.queue.counts().completed === 2);
      const preview = JSON.stringify((await boat.request('GET', '/export/preview?type=full')).json);
      await boat.stop();
      await central.close();

      const wire = central.seen
        .map(({ body, headers, path }) => `${path}\n${JSON.stringify(headers)}\n${body.toString('utf8')}`)
        .join('\n');
      const exported = readAll(boat.paths.home);
      assert.ok(
        wire.includes('"record_id"') && PLANTED_SECRET_VALUES.length > 5,
        'exports and requests exist',
      );
      const sources = readAll(root);
      for (const secret of PLANTED_SECRET_VALUES.filter((value) => sources.includes(value)))
        for (const [where, text] of Object.entries({ wire, exported, preview, log: boat.log.join('\n') }))
          assert.ok(!text.includes(secret), `${secret} is in the ${where}`);
      assert.ok(!wire.includes(root), 'no path of the boat');
      assert.ok(
        !exported.includes(TOKEN) && !boat.log.join('\n').includes(TOKEN),
        'the token is only in its header',
      );
      assert.ok(wire.includes(TOKEN));
    }));
