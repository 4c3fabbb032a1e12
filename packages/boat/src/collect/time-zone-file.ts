import { join } from 'node:path';
import { isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { isTimeZone } from '../platform/time-zone.ts';

/** Maximum size of `timezone.txt`, in bytes. The file holds one IANA name and may have comments below it. */
const TIME_ZONE_FILE_SIZE_MAX_BYTES = 4_096;

/**
 * Returns the time zone that the boat's owner set in the first line of `config/timezone.txt` below `root`. Returns UTC if
 * the file is missing, is too large, or names an unknown zone. Throws DISK_FAILED if the file cannot be read.
 */
export async function readTimeZoneFile(disk: Pick<Disk, 'read'>, root: string): Promise<string> {
  const name = await readFirstLine(disk, join(root, 'config', 'timezone.txt'));
  return isTimeZone(name) ? name : 'UTC';
}

async function readFirstLine(disk: Pick<Disk, 'read'>, path: string): Promise<string> {
  try {
    const bytes = await disk.read(path, TIME_ZONE_FILE_SIZE_MAX_BYTES);
    return new TextDecoder().decode(bytes).trim().split('\n')[0]?.trim() ?? '';
  } catch (error) {
    if (isExportError(error, 'FILE_TOO_LARGE')) return '';
    throw error;
  }
}
