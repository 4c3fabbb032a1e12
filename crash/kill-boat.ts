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
  type RunningDaemon,
  spawnDaemon,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  untilDaemonAnswers,
} from '../tests/support/processes.ts';
import { addRecordsUnlessBusy } from '../tests/support/records-of-boat.ts';
import { assertAllArrived } from './all-arrived.ts';
import type { CrashCounts, CrashRun } from './run.ts';

/**
 * Maximum number of log lines between the first export of a life and the kill. 40 lines are about ten exports. A life is the
 * time between two kills.
 */
const LIFE_LINES_MAX = 40;
/** One life in EARLY_ONE_IN ends at a random moment during startup. */
const EARLY_ONE_IN = 8;
/** One export in FULL_ONE_IN is a full export, which is delivered in several parts. */
const FULL_ONE_IN = 12;

/** Requests exports while records are added, until the daemon has ended. Returns the acknowledged exports' ids. */
async function exportUntilKilled(
  daemon: RunningDaemon,
  place: BoatPlace,
  seeded: ReturnType<typeof createSeeded>,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  for (;;) {
    addRecordsUnlessBusy(place.root, { rows: 1 + seeded.below(8), seed: seeded.below(1_000_000) });
    const type = seeded.below(FULL_ONE_IN) === 0 ? 'full' : 'incremental';
    const requested = daemon.request('POST', '/export/generate', { type }).catch((error: unknown) => {
      // `fetch` throws this error when the daemon has closed its port or the connection.
      if (error instanceof TypeError) return undefined;
      throw error;
    });
    // Records are also added while the export reads its sources.
    await sleep(seeded.below(20));
    addRecordsUnlessBusy(place.root, { rows: 1, seed: seeded.below(1_000_000) });
    const answer = await requested;
    if (answer === undefined) return acknowledged;
    assert.equal(answer.status, 200, JSON.stringify(answer.json));
    if (answer.json['queued'] === true) acknowledged.push(String(answer.json['export_id']));
  }
}

/**
 * Kills a real daemon `run.times` times with SIGKILL while it starts, exports and uploads to a real central. Throws an
 * AssertionError if afterwards an acknowledged export is not in the history, if central lacks a record or has it more than once, or
 * if an export is stuck.
 */
export async function killBoat(processes: Processes, run: CrashRun): Promise<CrashCounts> {
  const seeded = createSeeded(run.seed);
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  await startCentral(processes, central);
  const root = join(processes.folder('kill-boat'), 'boat');
  prepareBoat({ root, rows: 400 }, token);
  const place: BoatPlace = {
    root,
    port: await freePort(),
    centralUrl: central.url,
    environment: {
      EXPORT_PART_SIZE_BYTES: '32768',
      // A killed program does not save its compiled code. Running `--version` below saves it and shortens each start by a third.
      NODE_COMPILE_CACHE: processes.folder('compile-cache'),
    },
  };
  assert.equal((await processes.run('boat', ['--version'], toBoatEnvironment(place))).code, 0);

  const acknowledged: string[] = [];
  const beganMs = performance.now();
  /** Duration of the last complete start on this machine, in milliseconds. */
  let startMs = 0;
  for (let kill = 1; kill <= run.times; kill += 1) {
    const spawnedMs = performance.now();
    const daemon = spawnDaemon(processes, place);
    if (seeded.below(EARLY_ONE_IN) === 0 && startMs > 0) await sleep(seeded.below(startMs));
    else {
      await untilDaemonAnswers(daemon);
      startMs = Math.ceil(performance.now() - spawnedMs);
      const killAtLine = daemon.lines().length + 1 + seeded.below(LIFE_LINES_MAX);
      const exporting = exportUntilKilled(daemon, place, seeded);
      await Promise.race([exporting, daemon.untilLines(killAtLine)]);
      await daemon.kill();
      acknowledged.push(...(await exporting));
    }
    await daemon.kill();
    const { code, signal } = await daemon.ended;
    assert.equal(signal, 'SIGKILL', `life ${kill} ended on its own with ${code}: ${daemon.output()}`);
  }
  const killedMs = performance.now() - beganMs;

  const daemon = await startDaemon(processes, place);
  const delivered = await assertAllArrived(daemon, central, root, acknowledged);
  run.report(
    `${acknowledged.length} acknowledged of ${delivered} delivered exports; kills ${Math.round(killedMs / 1000)} s, all ${Math.round((performance.now() - beganMs) / 1000)} s`,
  );
  assert.ok(acknowledged.length >= run.times / 10, 'the boat was working when it was killed');
  return { acknowledged: acknowledged.length, delivered };
}
