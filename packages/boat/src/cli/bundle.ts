import type { BundleScope } from '../bundle/bundler.ts';
import { requireBundleDirectory, writeOfflineBundle } from '../bundle/offline-bundle.ts';
import { isBundleName } from '../bundle/policy.ts';
import { ExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import type { Api } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { toExportCount, toSize } from './tables.ts';

/**
 * Runs `d3kos-export bundle DIR`: writes waiting exports to a folder on a USB drive, as the user who runs the command, and reads
 * them back. The entries keep their state, and the boat queries central before it sends any of these exports. Throws the export
 * manager's errors, and REQUEST_INVALID, DISK_FULL, DISK_READ_ONLY or DISK_FAILED for the drive.
 */
export async function runBundle(
  { api, disk, output }: { readonly api: Api; readonly disk: Disk; readonly output: Output },
  directory: string,
  scope: BundleScope,
): Promise<ExitCode> {
  await requireBundleDirectory(disk, directory);
  const download = await api.download('bundle', { body: { failed: scope === 'waiting_and_failed' } });
  if (download === undefined) {
    output.result({ success: true, file: null, exports: 0, parts: 0, size_bytes: 0, skipped: [] }, [
      'No export is waiting. Nothing was written',
    ]);
    return EXIT.done;
  }
  // Only the expected format is accepted, because the name becomes part of a path.
  if (!isBundleName(download.name))
    throw new ExportError('DAEMON_UNREACHABLE', 'The export manager returned an invalid bundle name', {
      op: 'write the bundle',
      hint: 'Use the d3kos-export command of the same version as the export manager.',
    });
  output.progress(`Writing ${download.name} to ${directory} ...`);
  const { file, sizeBytes, end } = await writeOfflineBundle(disk, directory, download.name, download.pieces);
  output.result(
    {
      success: true,
      file,
      exports: end.exports,
      parts: end.parts,
      size_bytes: sizeBytes,
      skipped_count: end.skipped_count,
      skipped: end.skipped,
    },
    [
      `✓ ${toExportCount(end.exports)} in ${end.parts} parts, ${toSize(sizeBytes)}, written and read back: ${file}`,
      ...end.skipped.map(({ queue_id, reason }) => `✗ Skipped ${queue_id}: ${reason}`),
      'Eject the USB drive before you remove it. On the central server, run d3kos-central import-bundle FILE',
    ],
  );
  return end.skipped_count === 0 ? EXIT.done : EXIT.failed;
}
