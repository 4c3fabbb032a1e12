import type { DiskMedium } from '../disk-medium.ts';
import type { Violate } from './violations.ts';

/**
 * Checks that delivered files are removed before an export is refused because of the reserve (docs/spec/delivery.md, "Disk").
 * `deliveredFiles` are the files of exports already delivered when the refused export was requested.
 */
export function checkReserve(
  code: string | undefined,
  deliveredFiles: readonly string[],
  medium: DiskMedium,
  violate: Violate,
): void {
  if (code !== 'DISK_RESERVE') return;
  const kept = deliveredFiles.find((file) => medium.get(file) !== undefined);
  if (kept !== undefined)
    violate(
      `${kept} was delivered, but its file was kept while an export was refused because of the reserve`,
    );
}
