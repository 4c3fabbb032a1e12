import { join } from 'node:path';
import { loadCredentials } from '../deliver/credentials.ts';
import type { License } from '../license/license.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { toReserveBytes } from '../retain/policy.ts';
import {
  type Finding,
  type FsyncFigure,
  judgeCredentialsMode,
  judgeFsync,
  judgeSpace,
  toFsyncFigure,
} from './policy.ts';

/** Small files written for the figure: enough for a p95, about a second on a slow card. */
const FSYNC_SAMPLES = 20;
/** A ledger page's size. */
const FSYNC_FILE_BYTES = 4_096;

/** What of the boat around the ledger is looked at. */
export interface BoatToExamine {
  readonly world: Pick<World, 'clock' | 'disk'>;
  readonly license: License;
  readonly centralUrl: string | undefined;
  readonly credentialsPath: string;
  readonly reserveBytes: number | undefined;
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean | undefined>;
  /** Permission bits of a file; undefined where none is. */
  readonly fileMode: (path: string) => Promise<number | undefined>;
  readonly signal: AbortSignal;
}

/** Free space of the card against the reserve. */
export async function examineSpace(
  { world, reserveBytes }: BoatToExamine,
  directory: string,
): Promise<{ readonly finding: Finding; readonly freeBytes: number; readonly reserveBytes: number }> {
  const { freeBytes, totalBytes } = await world.disk.space(directory);
  const kept = toReserveBytes(totalBytes, reserveBytes);
  return { finding: judgeSpace(freeBytes, kept), freeBytes, reserveBytes: kept };
}

/** Stages and commits small files in `directory`, which is there, and removes them again: what an export's commit costs. */
export async function examineFsync(
  { world, signal }: BoatToExamine,
  directory: string,
): Promise<{ readonly finding: Finding; readonly figure: FsyncFigure | undefined }> {
  const { clock, disk } = world;
  // A name that the next start removes, should power fail here.
  const path = join(directory, 'doctor.tmp');
  const content = new Uint8Array(FSYNC_FILE_BYTES);
  const latenciesMs: number[] = [];
  try {
    for (let sample = 0; sample < FSYNC_SAMPLES; sample += 1) {
      signal.throwIfAborted();
      const beganMs = clock.monotonic();
      await disk.replace(path, content);
      latenciesMs.push(clock.monotonic() - beganMs);
    }
    await disk.remove(path);
  } catch (error) {
    if (!isExportError(error)) throw error;
    return {
      finding: { check: 'fsync', level: 'problem', message: error.message, hint: error.hint },
      figure: undefined,
    };
  }
  const figure = toFsyncFigure(latenciesMs);
  if (figure === undefined) throw new Error('no sample was taken');
  return { finding: judgeFsync(figure), figure };
}

/** The device token's file: there, usable, and nobody else's to read. The token itself is never part of a message. */
export async function examineCredentials({
  world,
  credentialsPath,
  fileMode,
}: BoatToExamine): Promise<Finding> {
  const credentials = await loadCredentials(world.disk, credentialsPath);
  if (credentials.kind === 'none')
    return {
      check: 'credentials',
      level: 'problem',
      message: credentials.detail,
      hint: 'Enrol the boat at central (d3kos-central enroll) and write {"token": "…"} there, mode 0600. Exports are made and kept meanwhile.',
    };
  const mode = await fileMode(credentialsPath);
  return mode === undefined
    ? { check: 'credentials', level: 'ok', message: 'the device token is there' }
    : judgeCredentialsMode(mode);
}

/** Where exports go, the clock, and what the licence allows. */
export async function examineSettings(boat: BoatToExamine): Promise<readonly Finding[]> {
  const central: Finding =
    boat.centralUrl === undefined
      ? {
          check: 'central',
          level: 'problem',
          message: 'No central is configured: exports are made and kept, and nothing is sent',
          hint: 'Set CENTRAL_API_URL, or "central_api_url" in config/export.json.',
        }
      : { check: 'central', level: 'ok', message: `exports go to ${boat.centralUrl}` };
  const isVouchedFor = await boat.clockSynchronized(boat.signal);
  const clock: Finding =
    isVouchedFor === true
      ? { check: 'clock', level: 'ok', message: 'a time service vouches for the clock' }
      : {
          check: 'clock',
          level: 'note',
          message:
            isVouchedFor === undefined
              ? 'No time service says whether it has set the clock'
              : 'No time service has set the clock since the start',
          hint: 'Times in exports are claims until one does; nothing waits for it.',
        };
  const known = await boat.license.current(boat.signal);
  const licence: Finding =
    known.kind === 'refused'
      ? { check: 'licence', level: 'problem', message: known.message, hint: known.hint }
      : {
          check: 'licence',
          level: known.tier === 0 ? 'note' : 'ok',
          message: `installation ${known.installationId}, tier ${known.tier}${known.tier === 0 ? ': it exports nothing' : ''}`,
        };
  return [central, clock, licence];
}
