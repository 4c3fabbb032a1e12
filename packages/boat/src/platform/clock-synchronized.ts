import { join } from 'node:path';
import type { Disk } from './ports.ts';

/** Whether a time service vouches for the boat's clock: systemd-timesyncd leaves this file once NTP answered. `run` is `/run`. */
export async function isClockSynchronized(disk: Pick<Disk, 'stat'>, run: string): Promise<boolean> {
  return (await disk.stat(join(run, 'systemd/timesync/synchronized'))) !== undefined;
}
