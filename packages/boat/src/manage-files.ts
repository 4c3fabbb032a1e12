import { basename, join } from 'node:path';
import { withoutCredentials } from './collect/browser-credentials.ts';
import { hasUsageConsent, setUsageConsent } from './create-export/usage-consent.ts';
import type { ExportManagerDeps, FileVerbs } from './export-manager.ts';
import { ExportError } from './platform/errors.ts';
import { createAllowance } from './platform/allowance.ts';
import { createBoundedMutex, type Mutex } from './platform/mutex.ts';
import { isExportFileName } from './spool/spool-paths.ts';

/** Maximum number of examinations that run or wait at the same time. Each reads every waiting export file and blocks exports. */
const EXAMINATIONS_WAITING_MAX = 2;

/**
 * Maximum number of characters that kiosk pages may change in a burst and per hour. Each change writes the key's complete value
 * to the card twice. A page that appends to a 1 MB list every few minutes stays below this limit.
 */
const BROWSER_TEXT_PER_HOUR_MAX = 64 * 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Creates the operations on files. `exporting` is locked during an examination, so that no export runs at the same time. */
export function createFileVerbs(deps: ExportManagerDeps, exporting: Mutex): FileVerbs {
  const { world, ledger, paths } = deps;
  const browserTexts = createAllowance(world.clock, BROWSER_TEXT_PER_HOUR_MAX, HOUR_MS);
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

    keepBrowserDocuments: (documents) =>
      ledger.browser.keep(documents, world.clock.wall(), {
        toStored: withoutCredentials,
        admit: (length) => {
          if (browserTexts.take(length)) return;
          throw new ExportError('BUSY', "This boat's pages changed too much text within an hour", {
            op: 'store browser data',
            hint: 'The page keeps its data and sends it again with its next change. Find out which page changes it so often.',
          });
        },
      }),
    usageConsent: () => (hasUsageConsent(ledger) ? 'yes' : 'no'),
    setUsageConsent: (answer) => setUsageConsent(ledger, answer),
    enroll: deps.enrolling.enroll,
  };
}
