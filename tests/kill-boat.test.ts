import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findGaps } from '@d3kos/central';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { INSTALLATION, prepareBoat } from './support/boat-in-process.ts';
import { deliverEverything } from './support/deliver-everything.ts';
import {
  type BoatPlace,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  type RunningDaemon,
  spawnDaemon,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  toEnding,
  untilDaemonAnswers,
  withCentralStore,
} from './support/processes.ts';
import {
  addRecordsUnlessBusy,
  assertCentralHolds,
  exportsAtCentral,
  readRecordsOfBoat,
} from './support/records-of-boat.ts';

/** How often the daemon is killed. */
const KILLS = Number(process.env['D3KOS_KILLS'] ?? 200);
/** Fixes the moments, as far as real processes can repeat anything. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);
/** The kill comes at a moment up to this long after the first export of a life is asked for: some ten exports. */
const LIFE_MAX_MS = 400;
/** One life in so many ends while the daemon is still starting, which takes it about this long. */
const EARLY_ONE_IN = 8;
const START_MS = 700;
/** One export in so many is a full one, which takes several parts to deliver. */
const FULL_ONE_IN = 12;

/** Exports, while records are added, until the daemon is gone. Gives the ids of what it acknowledged. */
async function exportUntilKilled(
  daemon: RunningDaemon,
  place: BoatPlace,
  seeded: ReturnType<typeof createSeeded>,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  for (;;) {
    addRecordsUnlessBusy(place.root, { rows: 1 + seeded.below(8), seed: seeded.below(1_000_000) });
    const type = seeded.below(FULL_ONE_IN) === 0 ? 'full' : 'incremental';
    const asked = daemon.request('POST', '/export/generate', { type }).catch((error: unknown) => {
      // What fetch throws when nobody listens any more, or stops talking.
      if (error instanceof TypeError) return undefined;
      throw error;
    });
    // Rows are added while the export reads its sources, too.
    await sleep(seeded.below(20));
    addRecordsUnlessBusy(place.root, { rows: 1, seed: seeded.below(1_000_000) });
    const answer = await asked;
    if (answer === undefined) return acknowledged;
    assert.equal(answer.status, 200, JSON.stringify(answer.json));
    if (answer.json['queued'] === true) acknowledged.push(String(answer.json['export_id']));
  }
}

test(`${KILLS} kills of the boat while it exports and uploads: nothing lost, nothing twice`, {
  timeout: 8 * 60_000,
}, async (t) => {
  t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED} D3KOS_KILLS=${KILLS}`);
  const seeded = createSeeded(SEED);
  const processes = createProcesses(toEnding(t));
  const central = await placeCentral(processes);
  const token = await enrollAt(processes, central, INSTALLATION);
  await startCentral(processes, central);
  const root = join(processes.folder('kill-boat'), 'boat');
  prepareBoat({ root, rows: 400 }, token);
  const place: BoatPlace = {
    root,
    port: await freePort(),
    centralUrl: central.url,
    environment: {
      EXPORT_PART_SIZE_BYTES: '32768',
      // A killed program keeps no compiled code: one that ends by itself does it for all, which saves a third of each start.
      NODE_COMPILE_CACHE: processes.folder('compile-cache'),
    },
  };
  assert.equal((await processes.run('boat', ['--version'], toBoatEnvironment(place))).code, 0);

  const acknowledged: string[] = [];
  const beganMs = performance.now();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const daemon = spawnDaemon(processes, place);
    if (seeded.below(EARLY_ONE_IN) === 0) await sleep(seeded.below(START_MS));
    else {
      await untilDaemonAnswers(daemon);
      const exporting = exportUntilKilled(daemon, place, seeded);
      await Promise.race([exporting, sleep(seeded.below(LIFE_MAX_MS))]);
      await daemon.kill();
      acknowledged.push(...(await exporting));
    }
    await daemon.kill();
    const { code, signal } = await daemon.ended;
    assert.equal(signal, 'SIGKILL', `life ${kill} ended by itself with ${code}: ${daemon.output()}`);
  }
  const killedMs = performance.now() - beganMs;

  const daemon = await startDaemon(processes, place);
  const delivered = await deliverEverything(daemon);
  assert.deepEqual(
    acknowledged.filter((exportId) => !delivered.has(exportId)),
    [],
    'every acknowledged export is in the history',
  );
  assert.equal(await daemon.stop(), 0);
  t.diagnostic(
    `${acknowledged.length} acknowledged of ${delivered.size} delivered exports; kills ${Math.round(killedMs / 1000)} s, all ${Math.round((performance.now() - beganMs) / 1000)} s`,
  );
  assert.ok(acknowledged.length >= KILLS / 10, 'the kills met a boat at work');

  await withCentralStore(central, async (store) => {
    await assertCentralHolds(store, INSTALLATION, readRecordsOfBoat(root), {
      engine_benchmark: 2,
      qr_codes: 2,
      settings: 1,
      onboarding: 1,
    });
    assert.deepEqual(
      await exportsAtCentral(store, INSTALLATION),
      [...delivered].sort(),
      'central holds the exports of the history and no others',
    );
    assert.deepEqual((await findGaps(store, INSTALLATION)).missing_sequences, []);
  });
});
