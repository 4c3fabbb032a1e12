import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { INSTALLATION, prepareBoat } from '../tests/support/boat-in-process.ts';
import {
  type BoatPlace,
  enrollAt,
  freePort,
  type Processes,
  placeCentral,
  postmasterPid,
  type RunningDaemon,
  startCentral,
  startDaemon,
} from '../tests/support/processes.ts';
import { addRecordsUnlessBusy } from '../tests/support/records-of-boat.ts';
import { assertAllArrived } from './all-arrived.ts';
import type { CrashCounts, CrashRun } from './run.ts';
import { until } from '../tests/support/until.ts';

/** Maximum time from the start of an import to the kill, enough for about ten parts. */
const LIFE_MAX_MS = 300;
/** One kill in WITH_DATABASE_ONE_IN also kills the database server, as a power cut would. */
const WITH_DATABASE_ONE_IN = 4;
/** Pause between two exports on the boat. */
const EXPORT_PAUSE_MS = 100;

/** Requests exports and adds records until aborted. Every eighth export is a full export with many parts. */
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

/**
 * Kills a real central `run.times` times with SIGKILL while it imports from a real boat, sometimes with its database server.
 * Throws an AssertionError if afterwards anything is lost, stored twice or stuck, or if the database did not recover.
 */
export async function killCentral(processes: Processes, run: CrashRun): Promise<CrashCounts> {
  const seeded = createSeeded(run.seed);
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
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
  processes.atEnd(() => stop.abort());
  const exporting = exportUntil(daemon, root, seeded, stop.signal);
  // The `await` below throws this error.
  exporting.catch(() => undefined);

  let leftRunning = 0;
  let databaseKills = 0;
  for (let kill = 1; kill <= run.times; kill += 1) {
    await daemon.request('POST', '/export/queue/process');
    await until('an upload', async () => {
      const { json } = await daemon.request('GET', '/export/queue/status');
      return json['uploading_count'] === 1;
    });
    await sleep(seeded.below(LIFE_MAX_MS));
    const database = postmasterPid(central);
    await running.kill();
    if (seeded.below(WITH_DATABASE_ONE_IN) === 0) {
      databaseKills += 1;
      process.kill(database, 'SIGKILL');
    }
    running = await startCentral(processes, central);
    if (running.output().includes('left running')) leftRunning += 1;
  }
  stop.abort();
  const acknowledged = await exporting;

  const delivered = await assertAllArrived(daemon, central, root, acknowledged);
  run.report(
    `${acknowledged.length} acknowledged of ${delivered} delivered exports; ${leftRunning} database servers were left running`,
  );
  assert.ok(
    leftRunning > 0 || databaseKills === run.times,
    'a killed central leaves its database server running, and the next central stops it',
  );
  assert.equal(await running.stop(), 0);
  return { acknowledged: acknowledged.length, delivered };
}
