import { dirname, join } from 'node:path';
import { isInstallationId } from '@d3kos/protocol';
import { createTimestampReader, type TimestampReader } from '../collect/policy/timestamps.ts';
import { readTimeZoneFile } from '../collect/time-zone-file.ts';
import { LICENSE_SIZE_MAX_BYTES } from '../license/license.ts';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { parseLegacyJson } from './legacy-json.ts';
import { isPlainObject } from './legacy-document.ts';

/** What of the boat an adoption asks: whose exports it may send, and how its local times are read. */
export interface AdoptingBoat {
  /** Undefined where license.json does not say: then whose an export is cannot be compared. */
  readonly installationId: string | undefined;
  readonly readTime: TimestampReader;
}

/** The boat's root, above its exports folder. */
export function toBoatRoot(paths: SpoolPaths): string {
  return dirname(dirname(paths.home));
}

/** Reads license.json and timezone.txt. Throws DISK_FAILED where one is there and cannot be read. */
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

/** A text file's content; an absent one, and one too large to be what is expected there, say nothing. */
async function readText(disk: Disk, path: string, sizeMaxBytes: number): Promise<string> {
  try {
    return new TextDecoder().decode(await disk.read(path, sizeMaxBytes));
  } catch (error) {
    if (isExportError(error, 'FILE_TOO_LARGE')) return '';
    throw error;
  }
}

/** Whose export it is, decided from what it states and what the boat is. */
export type Ownership =
  | { readonly kind: 'ours'; readonly installationId: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * An export that names no installation is this boat's, one that names another is not: a card copied from another boat
 * brings that boat's queue along, and central would refuse everything behind it.
 */
export function decideOwnership(stated: unknown, boat: Pick<AdoptingBoat, 'installationId'>): Ownership {
  if (stated === undefined || stated === null)
    return boat.installationId === undefined
      ? { kind: 'refused', reason: 'it names no installation, and license.json has none to give it' }
      : { kind: 'ours', installationId: boat.installationId };
  if (!isInstallationId(stated)) return { kind: 'refused', reason: 'its installation id is malformed' };
  return boat.installationId === undefined || boat.installationId === stated
    ? { kind: 'ours', installationId: stated }
    : { kind: 'refused', reason: `it is of installation ${stated}, this boat is ${boat.installationId}` };
}
