import type { ExportManager, ExportManagerDeps } from './export-manager.ts';
import { createExportVerbs } from './manage-exports.ts';
import { createFileVerbs } from './manage-files.ts';
import { createQueueVerbs } from './manage-queue.ts';
import { createBoundedMutex } from './platform/mutex.ts';
import { createStatusReport } from './report-status.ts';

/** Maximum number of export requests that run or wait at once. Further requests are refused with BUSY. */
const EXPORTS_WAITING_MAX = 12;

/** Assembles the export manager's operations. An export and the doctor never run at the same time. */
export function createExportManager(deps: ExportManagerDeps): ExportManager {
  const exporting = createBoundedMutex(EXPORTS_WAITING_MAX, 'make an export');
  const { lastCategories, ...exportVerbs } = createExportVerbs(deps, exporting);
  return {
    ...exportVerbs,
    ...createQueueVerbs(deps),
    ...createFileVerbs(deps, exporting),
    status: createStatusReport(deps, lastCategories),
  };
}
