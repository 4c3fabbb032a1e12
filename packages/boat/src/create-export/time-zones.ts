import { toNextPeriod } from '../collect/policy/time-zones.ts';
import type { ZonePeriod } from '../collect/policy/timestamps.ts';
import { findTimeZone, toTimeZonePath } from '../collect/time-zone-file.ts';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import type { CreateExportDeps } from './export-request.ts';

/** The boat's zones for one collection, and the newest zone if it is not in the ledger yet. */
interface CurrentZones {
  readonly zones: readonly ZonePeriod[];
  readonly added: ZonePeriod | undefined;
}

/**
 * Returns the boat's zones and stores any new zone in the ledger, so that later exports interpret the same times in the same way.
 */
export async function rememberTimeZones(
  deps: CreateExportDeps,
  signal: AbortSignal,
): Promise<readonly ZonePeriod[]> {
  const { zones, added } = await findZones(deps, signal);
  if (added !== undefined) deps.ledger.timeZones.add(added);
  return zones;
}

/** Returns the boat's zones without storing anything. */
export async function currentTimeZones(
  deps: CreateExportDeps,
  signal: AbortSignal,
): Promise<readonly ZonePeriod[]> {
  return (await findZones(deps, signal)).zones;
}

/** If the setting is missing or cannot be read, the known zones apply, or UTC if there are none. */
async function findZones(
  { ledger, sources, sourceDisk, world }: CreateExportDeps,
  signal: AbortSignal,
): Promise<CurrentZones> {
  const disk = sourceDisk(signal);
  const known = ledger.timeZones.all();
  const zone = await findTimeZone(disk, sources.root);
  if (zone === undefined)
    return { zones: known.length === 0 ? [{ zone: 'UTC', sinceMs: 0 }] : known, added: undefined };
  const added = toNextPeriod(known, {
    zone,
    changedMs: await findChangeMs(disk, toTimeZonePath(sources.root)),
    lastExportMs: ledger.queue.newest()?.createdAtMs,
    nowMs: world.clock.wall(),
  });
  return { zones: added === undefined ? known : [...known, added], added };
}

/** Returns the time when the setting was written, or 0 if it is unknown. */
async function findChangeMs(disk: Pick<Disk, 'stat'>, path: string): Promise<number> {
  try {
    return (await disk.stat(path))?.modifiedMs ?? 0;
  } catch (error) {
    if (isExportError(error)) return 0;
    throw error;
  }
}
