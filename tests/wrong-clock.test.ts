import assert from 'node:assert/strict';
import { globSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { assertAllArrived } from '../crash/all-arrived.ts';
import {
  INSTALLATION,
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import {
  type ClockedBoat,
  type Front,
  setClockBackAndForth,
  startFront,
  TODAY,
} from './support/clock-acts.ts';
import {
  type BoatPlace,
  type CentralPlace,
  createProcesses,
  enrollAt,
  freePort,
  NO_SERVER,
  type Processes,
  placeCentral,
  type RunningDaemon,
  startCentral,
  startDaemon,
  toEnding,
} from './support/processes.ts';
import { createSettableClock } from './support/settable-clock.ts';

/** A part size at which a full export of this boat has several parts. */
const ENVIRONMENT = { EXPORT_PART_SIZE_BYTES: '32768', EXPORT_TIMEZONE: 'UTC' };

/** A library that changes one program's wall clock, even if several threads read the time. */
const [FAKE_CLOCK] = globSync([
  '/usr/lib/*/faketime/libfaketimeMT.so.1',
  '/usr/lib/faketime/libfaketimeMT.so.1',
  '/usr/local/lib/faketime/libfaketimeMT.so.1',
]);

interface ClockSetup {
  readonly processes: Processes;
  readonly central: CentralPlace;
  readonly front: Front;
  readonly root: string;
}

/** Starts a real central behind a proxy, and enrols a boat there. */
async function prepareSetup(processes: Processes): Promise<ClockSetup> {
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  await startCentral(processes, central);
  const root = join(processes.folder('wrong-clock'), 'boat');
  prepareBoat({ root, rows: 300 }, token);
  return { processes, central, front: await startFront(processes, central.url), root };
}

function toClockedBoat(setup: ClockSetup): ClockedBoat {
  const { clock, set } = createSettableClock(undefined);
  let running: RunningBoat | undefined;
  return {
    setClock: set,
    start: async () => {
      running = await startBoatInProcess({
        root: setup.root,
        centralUrl: setup.front.url,
        environment: ENVIRONMENT,
        world: { clock },
      });
    },
    request: (method, path, body) => {
      assert.ok(running !== undefined);
      return running.request(method, path, body);
    },
    output: () => running?.log.join('\n') ?? '',
    stop: async () => {
      await running?.stop();
      return 0;
    },
  };
}

/** Returns the daemon as a separate process that reads its wall clock from a file. */
function toClockedDaemon({ processes, root, front }: ClockSetup, library: string, port: number): ClockedBoat {
  const file = join(processes.folder('clock'), 'clock');
  const place: BoatPlace = {
    root,
    port,
    centralUrl: front.url,
    environment: {
      ...ENVIRONMENT,
      TZ: 'UTC',
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // The file system uses the kernel's time, as on a boat.
      NO_FAKE_STAT: '1',
    },
  };
  let daemon: RunningDaemon | undefined;
  return {
    setClock: (moment) => {
      writeFileSync(`${file}.new`, `@${moment}\n`);
      renameSync(`${file}.new`, file);
    },
    start: async () => {
      daemon = await startDaemon(processes, place);
      const { pid } = daemon.child;
      // A killed daemon leaves these files behind.
      processes.atEnd(() => {
        for (const name of ['sem.faketime_sem', 'faketime_shm'])
          rmSync(`/dev/shm/${name}_${pid}`, { force: true });
      });
    },
    request: (method, path, body) => {
      assert.ok(daemon !== undefined);
      return daemon.request(method, path, body);
    },
    output: () => daemon?.output() ?? '',
    stop: async () => (await daemon?.stop()) ?? null,
  };
}

async function assertClockHarmsNothing(setup: ClockSetup, boat: ClockedBoat): Promise<void> {
  boat.setClock(TODAY);
  await boat.start();
  try {
    const acknowledged = await setClockBackAndForth(boat, setup.root, setup.front);
    await assertAllArrived(boat, setup.central, setup.root, acknowledged);
  } finally {
    await boat.stop();
  }
}

test('clock changes neither lose nor repeat exports and do not affect waits', async (t) => {
  const setup = await prepareSetup(createProcesses(toEnding(t)));
  await assertClockHarmsNothing(setup, toClockedBoat(setup));
});

test(
  'clock changes on a real daemon neither lose nor repeat exports and do not affect waits',
  { skip: FAKE_CLOCK === undefined && 'libfaketime is not installed here' },
  async (t) => {
    assert.ok(FAKE_CLOCK !== undefined);
    const setup = await prepareSetup(createProcesses(toEnding(t)));
    await assertClockHarmsNothing(setup, toClockedDaemon(setup, FAKE_CLOCK, await freePort()));
  },
);

for (const [who, isSynchronized, owed] of [
  ['that is synchronized', true, '2026-05-02'],
  ['whose state is unknown', undefined, '2026-05-02'],
  ['that is not synchronized', false, undefined],
] as const)
  test(`after a slot was claimed while the clock ran ahead, a clock ${who} makes ${owed ?? 'nothing'} due`, () =>
    inTemporaryFolder('owed', async (root) => {
      prepareBoat({ root });
      const { clock, set } = createSettableClock(isSynchronized);
      set('2027-05-01 12:00:00');
      const running = await startBoatInProcess({
        root,
        centralUrl: NO_SERVER,
        environment: ENVIRONMENT,
        world: { clock },
      });
      try {
        const daily = () =>
          running.request('POST', '/export/generate', { type: 'incremental', trigger: 'scheduled' });
        assert.equal((await daily()).json['slot'], '2027-05-01');
        set('2026-05-02 12:00:00');
        const { json } = await running.request('GET', '/export/status');
        assert.equal((json['schedule'] as { owed_slot: string | null }).owed_slot, owed ?? null);
        const { json: made } = await daily();
        assert.deepEqual([made['skipped'] ?? false, made['slot']], [owed === undefined, owed]);
        if (owed === undefined) assert.match(String(made['message']), /^The clock is not set/);
        assert.equal((await daily()).json['skipped'], true);
      } finally {
        await running.stop();
      }
    }));
