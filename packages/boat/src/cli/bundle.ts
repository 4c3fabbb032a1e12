import type { BundleScope } from '../bundle/bundler.ts';
import { requireBundleDirectory, writeOfflineBundle } from '../bundle/offline-bundle.ts';
import { isBundleName } from '../bundle/policy.ts';
import { ExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import type { Api } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { toSize } from './tables.ts';

/**
 * `d3kos-export bundle DIR`: writes what waits into a folder of a stick, as the user who runs the command, and reads it
 * back. Nothing changes its state in the queue: the boat asks central before it sends one of these exports again.
 * Throws what the export manager refuses, and REQUEST_INVALID, DISK_FULL, DISK_READ_ONLY, DISK_FAILED for the stick.
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
      'Nothing waits; nothing was written',
    ]);
    return EXIT.done;
  }
  // A path is made of it: only a name of the known form is one.
  if (!isBundleName(download.name))
    throw new ExportError(
      'DAEMON_UNREACHABLE',
      'The export manager names the bundle in a form that is not known',
      {
        op: 'write the bundle',
        hint: 'Use the d3kos-export of the same version as the export manager.',
      },
    );
  output.say(`Writing ${download.name} to ${directory} ...`);
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
      `✓ ${end.exports} exports in ${end.parts} parts, ${toSize(sizeBytes)}, written and read back: ${file}`,
      ...end.skipped.map(({ queue_id, reason }) => `✗ Left out: ${queue_id}: ${reason}`),
      'Eject the stick before you pull it out. At central: d3kos-central import-bundle FILE',
    ],
  );
  return end.skipped_count === 0 ? EXIT.done : EXIT.failed;
}
