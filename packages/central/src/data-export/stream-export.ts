import { isEnrolled } from '../fleet/installations.ts';
import { recordEvent } from '../installations/audit.ts';
import { type ChangeWorld, COMMAND_LINE, installationNotFound } from '../installations/enroll.ts';
import type { Archive } from '../platform/ports.ts';
import { exportInstallation } from './export-installation.ts';
import type { ExportFormat } from './file-formats.ts';

/**
 * Starts writing an archive of all data that central holds about an installation, with the same files as `exportInstallation`.
 * The export is recorded in the audit trail before it begins. Resolves with a promise for the end of the export. That promise
 * never rejects. Its `failure` is undefined if the archive is complete; otherwise the archive was cut short. Throws
 * INSTALLATION_NOT_FOUND and the store's errors.
 */
export async function streamExport(
  world: ChangeWorld,
  installationId: string,
  format: ExportFormat,
  archive: Archive,
): Promise<{ readonly ended: Promise<{ readonly failure: Error | undefined }> }> {
  const { store, wallMs, actor = COMMAND_LINE } = world;
  if (!(await isEnrolled(store, installationId))) throw installationNotFound(installationId);
  const event = { installationId, event: 'data_exported', subject: format, actor, detail: '' } as const;
  await store.transaction((tx) => recordEvent(tx, event, wallMs));
  const ended = exportInstallation({ store, wallMs }, installationId, format, archive.directory).then(
    () => {
      archive.end();
      return { failure: undefined };
    },
    (error: unknown) => {
      const failure = error instanceof Error ? error : new Error(String(error));
      archive.fail(failure);
      return { failure };
    },
  );
  return { ended };
}
