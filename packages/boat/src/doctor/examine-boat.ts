import { join } from 'node:path';
import { loadCredentials } from '../deliver/credentials.ts';
import type { License } from '../license/license.ts';
import type { SourcePaths } from '../collect/collector.ts';
import { inspectSources } from '../collect/inspect-sources.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import type { SourceDisk } from '../platform/source-disk.ts';
import { toReserveBytes } from '../retain/policy.ts';
import {
  type Finding,
  type FsyncFigure,
  orOk,
  judgeCredentialsMode,
  judgeFsync,
  judgeSpace,
  judgeStorage,
  toFsyncFigure,
} from './policy.ts';

/**
 * Number of small files written to measure the disk: enough for a 95th percentile, but few enough to take only about a second on
 * a slow SD card.
 */
const FSYNC_SAMPLES = 20;
/** Size of a page in the ledger's database. */
const FSYNC_FILE_BYTES = 4_096;

/** What the doctor examines in addition to the ledger and the spool. */
export interface BoatToExamine {
  readonly world: Pick<World, 'clock' | 'databases' | 'disk' | 'storageMedium'>;
  readonly sources: SourcePaths;
  readonly sourceDisk: SourceDisk;
  readonly license: License;
  readonly centralUrl: string | undefined;
  readonly credentialsPaths: readonly string[];
  readonly reserveBytes: number | undefined;
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean | undefined>;
  /** Returns a file's permission bits, or undefined if it does not exist. */
  readonly fileMode: (path: string) => Promise<number | undefined>;
  readonly signal: AbortSignal;
}

/** Compares the disk's free space with the reserve. */
export async function examineSpace(
  { world, reserveBytes }: BoatToExamine,
  directory: string,
): Promise<{ readonly finding: Finding; readonly freeBytes: number; readonly reserveBytes: number }> {
  const { freeBytes, totalBytes, freeInodes } = await world.disk.space(directory);
  const kept = toReserveBytes(totalBytes, reserveBytes);
  return { finding: judgeSpace(freeBytes, kept, freeInodes), freeBytes, reserveBytes: kept };
}

/** Reports the medium on which the exports are stored, if the system provides this information. */
export async function examineStorage(
  { world }: BoatToExamine,
  directory: string,
): Promise<readonly Finding[]> {
  const medium = await world.storageMedium?.(directory);
  return medium === undefined ? [] : [judgeStorage(medium)];
}

/** Measures how long it takes to commit small files in `directory`, which must exist. Removes the files. */
export async function examineFsync(
  { world, signal }: BoatToExamine,
  directory: string,
): Promise<{ readonly finding: Finding; readonly figure: FsyncFigure | undefined }> {
  const { clock, disk } = world;
  // If power fails here, the next start removes a file with this name.
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

/** Checks that the device token's file exists, is valid and is not readable by other users. No message contains the token. */
export async function examineCredentials({
  world,
  credentialsPaths,
  fileMode,
}: BoatToExamine): Promise<Finding> {
  let judged: Finding | undefined;
  for (const path of credentialsPaths) {
    const mode = judged === undefined ? await fileMode(path) : undefined;
    if (mode !== undefined) judged = judgeCredentialsMode(path, mode);
  }
  if (judged?.level === 'problem') return judged;
  const credentials = await loadCredentials(world.disk, credentialsPaths);
  if (credentials.kind === 'none')
    return {
      check: 'credentials',
      level: 'problem',
      message: credentials.detail,
      hint: 'Ask the operator of central for a code, and run sudo d3kos-export enroll CODE. Until then, exports are created and kept.',
    };
  return judged ?? { check: 'credentials', level: 'ok', message: 'the device token is present' };
}

/** Opens every source and reports those that cannot be read and that exports therefore leave out. */
export async function examineSources({
  world,
  sources,
  sourceDisk,
  signal,
}: BoatToExamine): Promise<readonly Finding[]> {
  const context = { paths: sources, disk: sourceDisk(signal), databases: world.databases };
  const findings = (await inspectSources(context)).map(({ category, detail }): Finding => ({
    check: 'sources',
    level: 'problem',
    message: `${category}: ${detail}`,
    hint: 'This source is left out of exports. Check the file, its permissions and the service that writes it.',
  }));
  return orOk('sources', findings, 'every source that exists can be read');
}

/** Checks central's URL, the clock and the licence. */
export async function examineSettings(boat: BoatToExamine): Promise<readonly Finding[]> {
  const central: Finding =
    boat.centralUrl === undefined
      ? {
          check: 'central',
          level: 'problem',
          message: "Central's URL is not set. Exports are created and kept, but not sent",
          hint: 'Set CENTRAL_API_URL, or "central_api_url" in config/export.json.',
        }
      : { check: 'central', level: 'ok', message: `exports go to ${boat.centralUrl}` };
  const isSynchronized = await boat.clockSynchronized(boat.signal);
  const clock: Finding =
    isSynchronized === true
      ? { check: 'clock', level: 'ok', message: 'a time service has set the clock' }
      : {
          check: 'clock',
          level: 'note',
          message:
            isSynchronized === undefined
              ? 'No time service reports whether the clock is set'
              : 'No time service has set the clock since boot',
          hint: 'Times in exports may be wrong until a time service sets the clock. Exports do not wait for that.',
        };
  const known = await boat.license.current(boat.signal);
  const licence: Finding =
    known.kind === 'refused'
      ? { check: 'licence', level: 'problem', message: known.message, hint: known.hint }
      : {
          check: 'licence',
          level: known.tier === 0 ? 'note' : 'ok',
          message: `installation ${known.installationId}, tier ${known.tier}${known.tier === 0 ? ', which does not allow exports' : ''}`,
        };
  return [central, clock, licence];
}
