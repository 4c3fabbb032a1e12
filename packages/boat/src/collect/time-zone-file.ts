import { join } from 'node:path';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { isTimeZone } from '../platform/time-zone.ts';

/** Maximum size of `timezone.txt`, in bytes. The file holds one IANA name and may have comments below it. */
const TIME_ZONE_FILE_SIZE_MAX_BYTES = 4_096;

/** Returns the path of the boat's time zone setting. */
export function toTimeZonePath(root: string): string {
  return join(root, 'config', 'timezone.txt');
}

/**
 * Returns the time zone that the boat's owner set in the first line of `config/timezone.txt` below `root`. Returns undefined if
 * the file is missing, cannot be read, is too large, or names an unknown zone. The setting is optional, so it fails nothing.
 */
export async function findTimeZone(disk: Pick<Disk, 'read'>, root: string): Promise<string | undefined> {
  const name = await readFirstLine(disk, toTimeZonePath(root));
  return isTimeZone(name) ? name : undefined;
}

/** Returns the time zone of `findTimeZone`, or UTC if there is none. */
export async function readTimeZoneFile(disk: Pick<Disk, 'read'>, root: string): Promise<string> {
  return (await findTimeZone(disk, root)) ?? 'UTC';
}

async function readFirstLine(disk: Pick<Disk, 'read'>, path: string): Promise<string> {
  try {
    const bytes = await disk.read(path, TIME_ZONE_FILE_SIZE_MAX_BYTES, 'follow');
    return new TextDecoder().decode(bytes).trim().split('\n')[0]?.trim() ?? '';
  } catch (error) {
    if (isExportError(error)) return '';
    throw error;
  }
}
