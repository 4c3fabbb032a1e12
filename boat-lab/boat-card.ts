import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { prepareBoat } from '../tests/support/boat-in-process.ts';
import type { BoatSystem } from './boat-system.ts';
import { measureStart, runOrThrow, SERVICE, type StartMeasurement } from './boat-service.ts';
import type { Builder } from './builder.ts';
import { takeFromCache } from './lab-cache.ts';
import { type BoatMachine, startMachine } from './machine.ts';
import { makeCertificate, SHORE_URL } from './shore.ts';

const execute = promisify(execFile);

/** Size of the card. The file is sparse: the system, the package and one life's exports use a fifth of it. */
const CARD_SIZE = '2000M';
/** Number of rows in the sample boat's log. A first export has several parts. */
const BOAT_ROWS = 400;
/** Small parts, so that power often fails between two parts of one export. */
const PART_SIZE_BYTES = 32_768;

/** Timestamp of all files in the package. If it were the commit time, each commit would need a new card. */
const PACKAGE_TIME_S = '1760000000';

/** Durations of the installation and the first start on the emulated boat. */
export interface CardMeasurement extends StartMeasurement {
  /** Duration of `dpkg -i`, in seconds. */
  readonly installationS: number;
}

/**
 * A boat with the package installed, saved after booting. Its folder contains the card image, the saved machine and central's
 * certificate. The files in it must not be changed: each life starts with a copy of the image.
 */
export interface BoatCard {
  readonly folder: string;
  readonly image: string;
  readonly measured: CardMeasurement;
}

/** Builds the package for arm64 in `folder` and returns its path. */
export async function buildPackage(folder: string): Promise<string> {
  const program = join(import.meta.dirname, '..', 'scripts', 'package', 'main.ts');
  await execute(
    'nice',
    [
      ...['-n', '5', process.execPath, '--conditions=development', program],
      ...['--fast', '--arch', 'arm64', '--out', folder],
    ],
    { env: { ...process.env, SOURCE_DATE_EPOCH: PACKAGE_TIME_S }, maxBuffer: 64 * 1024 * 1024 },
  );
  const name = readdirSync(folder).find((file) => /^d3kos-export_.*_arm64\.deb$/.test(file));
  if (name === undefined) throw new Error(`the build created no d3kos-export package for arm64 in ${folder}`);
  return join(folder, name);
}

/** Everything needed to create a card. */
export interface CardParts {
  readonly builder: Builder;
  readonly system: BoatSystem;
  readonly debianPackage: string;
  /** Folder for temporary files. */
  readonly scratch: string;
  report(line: string): void;
}

/** Returns a card on which the booted boat has installed the package with `dpkg -i`. Creates the card if it is not in the cache. */
export async function makeCard(parts: CardParts): Promise<BoatCard> {
  const { builder, system, debianPackage, scratch, report } = parts;
  const folder = await takeFromCache('boat-card', toRecipe(system, debianPackage), async (partial) => {
    const certificate = await makeCertificate(partial);
    await makeImage(builder, system, debianPackage, partial);
    const start = (): Promise<BoatMachine> =>
      startMachine(builder, {
        ...{ scratch, system: system.folder, image: toImage(partial) },
        seeded: createSeeded(1),
        flushMode: 'honest',
      });
    report('first boot of the boat, and dpkg -i');
    const installationS = await useMachine(await start(), async (machine) => {
      const output = await runOrThrow(machine, toInstallation(certificate));
      await machine.powerOff();
      return Number(/^installed in (\d+)$/m.exec(output)?.[1]);
    });
    report('second boot of the boat');
    const measured = await useMachine(await start(), async (machine) => {
      const start = await measureStart(machine);
      // The saved boat must be idle, so the boot unit's command must no longer be waiting for the network.
      await runOrThrow(machine, 'systemctl stop d3kos-export-boot.service; sync');
      await machine.save(partial);
      return start;
    });
    writeFileSync(join(partial, 'measured.json'), JSON.stringify({ ...measured, installationS }));
  });
  return {
    folder,
    image: toImage(folder),
    // The code above wrote this file.
    measured: JSON.parse(readFileSync(join(folder, 'measured.json'), 'utf8')) as CardMeasurement,
  };
}

/** Everything that a card's content depends on. */
function toRecipe(system: BoatSystem, debianPackage: string): string {
  const digest = createHash('sha256').update(readFileSync(debianPackage)).digest('hex');
  return [system.folder, digest, toInstallation(''), BOAT_ROWS, CARD_SIZE].join(' ');
}

const toImage = (folder: string): string => join(folder, 'card.ext4');

/** Boots a machine, runs `work` on it, and ends it. */
export async function useMachine<T>(
  machine: BoatMachine,
  work: (machine: BoatMachine) => Promise<T>,
): Promise<T> {
  try {
    await machine.ready;
    return await work(machine);
  } finally {
    await machine.close();
  }
}

const SETTINGS = `CENTRAL_API_URL=${SHORE_URL}
EXPORT_PART_SIZE_BYTES=${PART_SIZE_BYTES}
EXPORT_RECORDINGS_PATH=/opt/d3kos/camera-recordings
EXPORT_SIGNALK_URL=off
NODE_EXTRA_CA_CERTS=/etc/central.pem
`;

/**
 * On a boat, the user and its folder exist before the package is installed. `dpkg -i` starts the service before the settings
 * exist.
 */
const toInstallation = (certificate: string): string => `set -e
useradd --home-dir /opt/d3kos --no-create-home d3kos
chown -R d3kos:d3kos /opt/d3kos
cat > /etc/central.pem <<'CERTIFICATE'
${certificate}CERTIFICATE
began=$(date +%s)
dpkg -i /root/d3kos-export.deb
echo "installed in $(( $(date +%s) - began ))"
cat >> /etc/default/d3kos-export <<'SETTINGS'
${SETTINGS}SETTINGS
systemctl is-active ${SERVICE} d3kos-export-daily.timer
rm /root/d3kos-export.deb`;

async function makeImage(
  builder: Builder,
  system: BoatSystem,
  debianPackage: string,
  folder: string,
): Promise<void> {
  const files = join(folder, 'files');
  const boat = join(files, 'opt', 'd3kos');
  mkdirSync(boat, { recursive: true });
  prepareBoat({ root: boat, rows: BOAT_ROWS });
  mkdirSync(join(files, 'root'));
  copyFileSync(debianPackage, join(files, 'root', 'd3kos-export.deb'));
  await builder.run(
    `cp -a /system/root /lab/root
cp -a /lab/files/. /lab/root/
mke2fs -q -t ext4 -d /lab/root -E lazy_itable_init=1 /lab/card.ext4 ${CARD_SIZE}
rm -rf /lab/root /lab/files`,
    { '/lab': folder, '/system': system.folder },
  );
}

/** Copies a card image, preserving its holes. */
export async function copyImage(from: string, to: string): Promise<void> {
  await execute('cp', ['--sparse=always', '--reflink=auto', from, to]);
}
