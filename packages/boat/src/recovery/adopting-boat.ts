import { dirname, join } from 'node:path';
import { isInstallationId } from '@d3kos/protocol';
import { createTimestampReader, type TimestampReader } from '../collect/policy/timestamps.ts';
import { readTimeZoneFile } from '../collect/time-zone-file.ts';
import { LICENSE_SIZE_MAX_BYTES } from '../license/license.ts';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { decodeText } from '../platform/text.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { parseLegacyJson } from './legacy-json.ts';
import { isPlainObject } from './legacy-document.ts';

/** What adoption needs to know about the boat: its installation ID, and how to interpret its local times. */
export interface AdoptingBoat {
  /** Undefined if license.json has no valid ID. Exports from any installation are then accepted. */
  readonly installationId: string | undefined;
  readonly readTime: TimestampReader;
}

/** Returns the boat's root folder, which is two levels above its exports folder. */
export function toBoatRoot(paths: SpoolPaths): string {
  return dirname(dirname(paths.home));
}

/** Reads license.json and timezone.txt. Throws DISK_FAILED if license.json exists and cannot be read. */
export async function readAdoptingBoat(disk: Disk, paths: SpoolPaths): Promise<AdoptingBoat> {
  const root = toBoatRoot(paths);
  const license = parseLegacyJson(
    await readText(disk, join(root, 'config', 'license.json'), LICENSE_SIZE_MAX_BYTES),
  );
  const stated = isPlainObject(license?.value) ? license.value['installation_id'] : undefined;
  return {
    installationId: isInstallationId(stated) ? stated : undefined,
    readTime: createTimestampReader(await readTimeZoneFile(disk, root)),
  };
}

/** Returns a text file's content, or '' if the file is absent or larger than `sizeMaxBytes`. */
async function readText(disk: Disk, path: string, sizeMaxBytes: number): Promise<string> {
  try {
    return decodeText((await disk.read(path, sizeMaxBytes, 'follow')) ?? new Uint8Array());
  } catch (error) {
    if (isExportError(error, 'FILE_TOO_LARGE')) return '';
    throw error;
  }
}

/** Whether this boat may send an export, and if so, the installation ID to use. */
export type Ownership =
  | { readonly kind: 'ours'; readonly installationId: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Accepts an export without an installation ID as this boat's own, and rejects one with another boat's ID. A card copied from
 * another boat contains that boat's queue, and central would refuse those exports.
 */
export function decideOwnership(stated: unknown, boat: Pick<AdoptingBoat, 'installationId'>): Ownership {
  if (stated === undefined || stated === null)
    return boat.installationId === undefined
      ? { kind: 'refused', reason: 'neither the export nor license.json contains an installation ID' }
      : { kind: 'ours', installationId: boat.installationId };
  if (!isInstallationId(stated)) return { kind: 'refused', reason: 'the installation ID is malformed' };
  return boat.installationId === undefined || boat.installationId === stated
    ? { kind: 'ours', installationId: stated }
    : {
        kind: 'refused',
        reason: `the export belongs to installation ${stated}, but this boat is ${boat.installationId}`,
      };
}
