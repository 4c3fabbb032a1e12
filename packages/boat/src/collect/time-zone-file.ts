import { join } from 'node:path';
import type { Disk } from '../platform/ports.ts';
import { toFirstLine } from '../platform/text.ts';
import { readTextFile } from '../platform/text-file.ts';
import { isTimeZone } from '../platform/time-zone.ts';

/** Maximum size of `timezone.txt`, in bytes. The file contains one IANA name, possibly followed by comments. */
const TIME_ZONE_FILE_SIZE_MAX_BYTES = 4_096;

/** Path of the file with the boat's time zone, below the root. */
export const TIME_ZONE_PATH = 'config/timezone.txt';

/** Returns the path of the file with the boat's time zone setting. */
export function toTimeZonePath(root: string): string {
  return join(root, TIME_ZONE_PATH);
}

/** The boat's time zone. */
export interface TimeZoneReading {
  /** The zone in the file. Undefined if it is missing or unusable. */
  readonly zone?: string;
  /** Why the zone in the file is not used. Undefined if it is used or the file does not exist. */
  readonly problem?: string;
}

/**
 * Returns the time zone that the boat's owner set in the first line of `config/timezone.txt` below `root`. If the file is
 * unreadable, too large, or names no known zone, returns the problem instead of failing, because the setting is optional.
 */
export async function readTimeZone(disk: Pick<Disk, 'read'>, root: string): Promise<TimeZoneReading> {
  const file = await readTextFile(disk, toTimeZonePath(root), TIME_ZONE_FILE_SIZE_MAX_BYTES);
  switch (file.kind) {
    case 'missing':
    case 'empty':
      return {};
    case 'unreadable':
    case 'too_large':
      return { problem: `${TIME_ZONE_PATH} ${file.reason}` };
    case 'text': {
      const name = toFirstLine(file.text);
      if (isTimeZone(name)) return { zone: name };
      return name === '' ? {} : { problem: `${TIME_ZONE_PATH} does not name a known time zone` };
    }
    default:
      return file satisfies never;
  }
}

/** Returns the time zone of `readTimeZone`, or undefined if there is none. */
export async function findTimeZone(disk: Pick<Disk, 'read'>, root: string): Promise<string | undefined> {
  return (await readTimeZone(disk, root)).zone;
}

/** Returns the time zone of `findTimeZone`, or UTC if there is none. */
export async function readTimeZoneFile(disk: Pick<Disk, 'read'>, root: string): Promise<string> {
  return (await findTimeZone(disk, root)) ?? 'UTC';
}
