import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createSeeded, type Seeded } from '../packages/sim/src/fixture/seeded.ts';
import type { Processes } from '../tests/support/processes.ts';
import { type BoatCard, copyImage, useMachine } from './boat-card.ts';
import { measureStart, requestBoat, runOrThrow, setClock, type StartMeasurement } from './boat-service.ts';
import type { BoatSystem } from './boat-system.ts';
import type { Builder } from './builder.ts';
import { assertNothingLost, copyBoat } from './inspect-card.ts';
import { assertBootedWell } from './inspect-boot.ts';
import { type BoatMachine, type PowerCut, startMachine } from './machine.ts';
import type { CardSpeed } from './nbd-server.ts';
import type { Shore } from './shore.ts';
import type { FlushMode } from './volatile-card.ts';
import { type Acknowledged, work } from './work.ts';

/**
 * Maximum number of write requests from the start of the work to the power cut. About five exports with their receipts cause this
 * many.
 */
const WORK_WRITES_MAX = 250;
/**
 * The time that a worn SD card takes for each request: about 300 reads or 50 small writes a second, and a fifth of a second for a
 * sync.
 */
const WORN_CARD: CardSpeed = { readMs: 3, writeMs: 20, flushMs: 200 };
/**
 * One life in REAL_BOOT_ONE_IN boots after the cut. The other lives' cards are inspected on the host, which takes a tenth of the
 * time.
 */
export const REAL_BOOT_ONE_IN = 5;
/** Maximum number of write requests in a boot before its power fails again. A complete boot has about this many. */
const BOOT_WRITES_MAX = 100;

/** The resources that all of a run's lives share. */
export interface Lab {
  readonly builder: Builder;
  readonly system: BoatSystem;
  readonly card: BoatCard;
  readonly shore: Shore;
  readonly processes: Processes;
  /** A temporary folder for the card copy and the machines. */
  readonly folder: string;
  report(line: string): void;
}

/** One life's result. If a promise is broken, the life throws instead. */
export interface LifeResult {
  readonly boots: number;
  readonly cuts: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** How the export manager started after the cut, if the boat booted. */
  readonly started?: StartMeasurement;
}

/** The current life's card image. */
export const toLifeImage = (lab: Lab): string => join(lab.folder, 'card.ext4');

/** Starts a boat from the saved state, with a new copy of the card and a new enrolment. */
export async function startLife(
  lab: Lab,
  seeded: Seeded,
  flushMode: FlushMode,
): Promise<{ readonly machine: BoatMachine; readonly token: string }> {
  const image = toLifeImage(lab);
  await copyImage(lab.card.image, image);
  const token = await lab.shore.enrollAgain();
  const machine = await startMachine(lab.builder, {
    ...{ scratch: lab.folder, system: lab.system.folder, image, seeded, flushMode },
    saved: lab.card.folder,
  });
  lab.processes.atEnd(() => machine.close());
  await runOrThrow(machine, `echo '{"token": "${token}"}' > /opt/d3kos/config/export-credentials.json; sync`);
  return { machine, token };
}

/** Describes a cut in one line. */
export function describeCut({ writes, pending, kept }: PowerCut): string {
  return `power cut after ${writes} writes, ${kept} of ${pending} unflushed sectors kept`;
}

/**
 * Runs one life of the boat: it continues from the saved state, exports, and loses power at a random write request. Then the
 * promises are checked. All random choices follow from `seed`.
 */
export async function live(lab: Lab, seed: number, boots: 'boots' | 'stays off'): Promise<LifeResult> {
  const seeded = createSeeded(seed);
  const { machine, token } = await startLife(lab, seeded, 'honest');
  machine.cutAtWrite(machine.writes() + 1 + seeded.below(WORK_WRITES_MAX));
  const { acknowledged, events } = await work(machine, seeded);
  const cut = await machine.powerCut;
  await machine.close();
  lab.report(
    `seed ${seed}: ${[...events, describeCut(cut)].join(', ')}; ${acknowledged.length} exports acknowledged`,
  );
  const started = boots === 'boots' ? await bootAgain(lab, seeded, acknowledged) : undefined;
  const boat = await copyBoat(lab.builder, { image: toLifeImage(lab), folder: lab.folder, token });
  const delivered = await assertNothingLost(lab.builder, boat, lab.shore, acknowledged);
  lab.report(`  ${delivered} exports delivered, nothing lost or stored twice`);
  return {
    boots: started?.boots ?? 0,
    cuts: started?.boots ?? 1,
    acknowledged: acknowledged.length,
    delivered,
    ...(started === undefined ? {} : { started: started.measured }),
  };
}

/**
 * Boots the boat after a cut. The power fails once more during this boot. Then the boat boots again, is inspected and shuts down.
 */
async function bootAgain(
  lab: Lab,
  seeded: Seeded,
  acknowledged: readonly Acknowledged[],
): Promise<{ readonly boots: number; readonly measured: StartMeasurement }> {
  const start = (): Promise<BoatMachine> =>
    startMachine(lab.builder, {
      ...{ scratch: lab.folder, system: lab.system.folder, image: toLifeImage(lab) },
      ...{ seeded, flushMode: 'honest' },
    });
  const interrupted = await start();
  lab.processes.atEnd(() => interrupted.close());
  interrupted.cutAtWrite(1 + seeded.below(BOOT_WRITES_MAX));
  // If a boot has fewer writes than planned, it is cut when the shell is ready.
  const isReady = await interrupted.ready;
  const cut = await interrupted.cut();
  await interrupted.close();
  lab.report(`  boot, ${isReady ? 'cut when it was ready' : 'cut during the boot'}: ${describeCut(cut)}`);
  const machine = await start();
  lab.processes.atEnd(() => machine.close());
  const measured = await useMachine(machine, async () => {
    const measurement = await measureStart(machine);
    await assertBootedWell(machine, lab.shore.central, acknowledged);
    await setClock(machine);
    await machine.powerOff();
    return measurement;
  });
  return { boots: 2, measured };
}

/**
 * Boots the boat with a worn card and without a network, creates an export, and shuts the boat down. Throws if a unit failed, or
 * if systemd had to start the export manager more than once.
 */
export async function bootOnWornCard(lab: Lab): Promise<StartMeasurement> {
  const image = toLifeImage(lab);
  await copyImage(lab.card.image, image);
  const machine = await startMachine(lab.builder, {
    ...{ scratch: lab.folder, system: lab.system.folder, image },
    ...{ seeded: createSeeded(1), flushMode: 'honest', speed: WORN_CARD },
  });
  lab.processes.atEnd(() => machine.close());
  await machine.setLink('down');
  return useMachine(machine, async () => {
    const measurement = await measureStart(machine);
    const { status, json } = await requestBoat(machine, 'POST', '/export/generate');
    if (status !== 200) throw new Error(`the export was refused: ${JSON.stringify(json)}`);
    const made = { queueId: String(json['queue_id']), exportId: String(json['export_id']) };
    await assertBootedWell(machine, lab.shore.central, [made]);
    await machine.powerOff();
    return measurement;
  });
}

/** Keeps a failed life's card in the cache, if there is one. Returns its path. */
export function keepCard(lab: Lab, folder: string, seed: number): string | undefined {
  if (!existsSync(toLifeImage(lab))) return undefined;
  const kept = join(folder, `boat-failed-${seed}.ext4`);
  copyFileSync(toLifeImage(lab), kept);
  return kept;
}
