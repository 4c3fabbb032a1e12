import { basename, join } from 'node:path';
import { hasUsageConsent, setUsageConsent } from './create-export/usage-consent.ts';
import type { ExportManagerDeps, FileVerbs } from './export-manager.ts';
import { ExportError } from './platform/errors.ts';
import { createBoundedMutex, type Mutex } from './platform/mutex.ts';
import { isExportFileName } from './spool/spool-paths.ts';

/**
 * Maximum number of examinations that run or wait at the same time. Each examination reads every waiting export file
 * and delays exports meanwhile.
 */
const EXAMINATIONS_WAITING_MAX = 2;

/** Creates the operations on files. `exporting` is held during an examination, so that no export runs meanwhile. */
export function createFileVerbs(deps: ExportManagerDeps, exporting: Mutex): FileVerbs {
  const { world, ledger, paths } = deps;
  const examining = createBoundedMutex(EXAMINATIONS_WAITING_MAX, 'examine the exports');
  return {
    async files() {
      const listed = (await world.disk.list(paths.exports)) ?? [];
      return listed
        .filter((file) => file.kind === 'file' && isExportFileName(file.name))
        .map((file) => {
          const entry = ledger.queue.findByFile(join(paths.exports, file.name));
          return {
            name: file.name,
            sizeBytes: file.sizeBytes,
            modifiedMs: file.modifiedMs,
            queueId: entry?.queueId,
            status: entry?.status,
          };
        });
    },

    async filePath(name) {
      const path = join(paths.exports, basename(name));
      const facts = isExportFileName(name) ? await world.disk.stat(path) : undefined;
      if (facts?.kind === 'file') return { path, sizeBytes: facts.sizeBytes };
      throw new ExportError('NOT_FOUND', `There is no export file ${name}`, {
        op: 'open an export file',
        hint: 'List the files with GET /export/files.',
      });
    },

    bundle: (scope) => deps.bundler.bundle(scope),

    doctor: (mode) =>
      examining.run(() =>
        exporting.run(async () => {
          const report = await deps.doctor(mode);
          if (report.repaired.length > 0) {
            deps.queueChanged();
            deps.worker.wake();
          }
          return report;
        }),
      ),

    keepBrowserDocuments: (documents) => ledger.browser.keep(documents, world.clock.wall()),
    usageConsent: () => (hasUsageConsent(ledger) ? 'yes' : 'no'),
    setUsageConsent: (answer) => setUsageConsent(ledger, answer),
  };
}
