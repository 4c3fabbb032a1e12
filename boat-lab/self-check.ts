import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { SERVICE, runOrThrow } from './boat-service.ts';
import { copyBoat, findLost } from './inspect-card.ts';
import { describeCut, type Lab, startLife, toLifeImage } from './life.ts';
import { work } from './work.ts';

/** How a control run breaks durability. Each must make the lab report losses. */
export type Control = 'without fsync' | 'flush ignored';

/** Exports before the cut. */
const EXPORTS = 2;
/** Number of lives in one control run. One cut in eight keeps everything. */
const LIVES_MAX = 4;

/** Result of one control. */
export interface ControlResult {
  readonly lives: number;
  readonly acknowledged: number;
  /** Number of acknowledged exports that were lost. 0 means that the lab cannot detect the faults it was built to detect. */
  readonly lost: number;
}

/** Runs lives with a boat or card that violates durability, until acknowledged exports are lost. */
export async function runControl(lab: Lab, control: Control, seed: number): Promise<ControlResult> {
  let acknowledged = 0;
  let lost = 0;
  let lives = 0;
  while (lives < LIVES_MAX && lost === 0) {
    const result = await loseExports(lab, control, seed + lives);
    lives += 1;
    acknowledged += result.acknowledged;
    lost += result.lost;
  }
  return { lives, acknowledged, lost };
}

async function loseExports(
  lab: Lab,
  control: Control,
  seed: number,
): Promise<{ readonly acknowledged: number; readonly lost: number }> {
  const seeded = createSeeded(seed);
  const { machine, token } = await startLife(lab, seeded, control === 'flush ignored' ? 'ignored' : 'honest');
  if (control === 'without fsync') await runOrThrow(machine, RESTART_WITHOUT_FSYNC);
  const { acknowledged } = await work(machine, seeded, EXPORTS);
  const cut = await machine.cut();
  await machine.close();
  const lost = await copyBoat(lab.builder, { image: toLifeImage(lab), folder: lab.folder, token }).then(
    (boat) => findLost(lab.builder, boat, lab.shore, acknowledged),
    (error: unknown) => {
      // If flushes are ignored, the journal does not help: the whole file system may be destroyed, and every export with it.
      lab.report(
        `  the file system is damaged: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      );
      return acknowledged;
    },
  );
  lab.report(
    `${control}, seed ${seed}: ${describeCut(cut)}; ${acknowledged.length} exports acknowledged, ${lost.length} lost`,
  );
  return { acknowledged: acknowledged.length, lost: lost.length };
}

/** libeatmydata makes every fsync of a process return at once without effect. */
const RESTART_WITHOUT_FSYNC = `set -e
folder=/run/systemd/system/${SERVICE}.d
mkdir -p $folder
printf '[Service]\\nEnvironment=LD_PRELOAD=libeatmydata.so\\n' > $folder/without-fsync.conf
systemctl daemon-reload
systemctl restart ${SERVICE}
grep -q eatmydata /proc/$(systemctl show -P MainPID ${SERVICE})/maps`;
