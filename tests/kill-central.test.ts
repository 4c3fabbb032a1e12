import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findGaps } from '@d3kos/central';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { INSTALLATION, prepareBoat, until } from './support/boat-in-process.ts';
import { deliverEverything } from './support/deliver-everything.ts';
import {
  type BoatPlace,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  postmasterPid,
  type RunningDaemon,
  startCentral,
  startDaemon,
  toEnding,
  withCentralStore,
} from './support/processes.ts';
import {
  addRecordsUnlessBusy,
  assertCentralHolds,
  exportsAtCentral,
  readRecordsOfBoat,
} from './support/records-of-boat.ts';

/** How often central is killed. */
const KILLS = Number(process.env['D3KOS_CENTRAL_KILLS'] ?? 20);
/** Fixes the moments, as far as real processes can repeat anything. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);
/** The kill comes up to this long after central began to import: about ten parts. */
const LIFE_MAX_MS = 300;
/** One kill in so many takes the database server with it, as a power cut does. */
const WITH_DATABASE_ONE_IN = 4;
/** Between two exports of the boat. */
const EXPORT_PAUSE_MS = 100;

/** Exports and adds records until told to stop; every other export is a full one of many parts. */
async function exportUntil(
  daemon: RunningDaemon,
  root: string,
  seeded: ReturnType<typeof createSeeded>,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  for (let round = 0; !stop.aborted; round += 1) {
    addRecordsUnlessBusy(root, { rows: 1 + seeded.below(8), seed: seeded.below(1_000_000) });
    const type = round % 8 === 0 ? 'full' : 'incremental';
    const { status, json } = await daemon.request('POST', '/export/generate', { type });
    assert.equal(status, 200, JSON.stringify(json));
    if (json['queued'] === true) acknowledged.push(String(json['export_id']));
    await sleep(EXPORT_PAUSE_MS);
  }
  return acknowledged;
}

test(`${KILLS} kills of central while it imports: nothing lost, nothing twice, and its database recovers`, {
  timeout: 8 * 60_000,
}, async (t) => {
  t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED} D3KOS_CENTRAL_KILLS=${KILLS}`);
  const seeded = createSeeded(SEED);
  const processes = createProcesses(toEnding(t));
  const central = await placeCentral(processes);
  const token = await enrollAt(processes, central, INSTALLATION);
  let running = await startCentral(processes, central);
  const root = join(processes.folder('kill-central'), 'boat');
  prepareBoat({ root, rows: 600 }, token);
  const place: BoatPlace = {
    root,
    port: await freePort(),
    centralUrl: central.url,
    environment: { EXPORT_PART_SIZE_BYTES: '16384' },
  };
  const daemon = await startDaemon(processes, place);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const exporting = exportUntil(daemon, root, seeded, stop.signal);
  // A failure there is told where it is awaited.
  exporting.catch(() => undefined);

  let leftRunning = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await daemon.request('POST', '/export/queue/process');
    await until('an upload', async () => {
      const { json } = await daemon.request('GET', '/export/queue/status');
      return json['uploading_count'] === 1;
    });
    await sleep(seeded.below(LIFE_MAX_MS));
    const database = postmasterPid(central);
    await running.kill();
    if (seeded.below(WITH_DATABASE_ONE_IN) === 0) process.kill(database, 'SIGKILL');
    running = await startCentral(processes, central);
    if (running.output().includes('left running')) leftRunning += 1;
  }
  stop.abort();
  const acknowledged = await exporting;

  const delivered = await deliverEverything(daemon);
  assert.deepEqual(
    acknowledged.filter((exportId) => !delivered.has(exportId)),
    [],
    'every acknowledged export is in the history',
  );
  assert.equal(await daemon.stop(), 0);
  t.diagnostic(
    `${acknowledged.length} acknowledged of ${delivered.size} delivered exports; ${leftRunning} database servers were left running`,
  );
  assert.ok(leftRunning > 0, 'a killed central leaves its database server, and the next one ends it');

  await withCentralStore(central, async (store) => {
    await assertCentralHolds(store, INSTALLATION, readRecordsOfBoat(root), {
      engine_benchmark: 2,
      qr_codes: 2,
      settings: 1,
      onboarding: 1,
    });
    assert.deepEqual(await exportsAtCentral(store, INSTALLATION), [...delivered].sort());
    assert.deepEqual((await findGaps(store, INSTALLATION)).missing_sequences, []);
  });
  assert.equal(await running.stop(), 0);
});
