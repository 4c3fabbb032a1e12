import type { ExportManager, ExportManagerDeps, ExportVerbs } from './export-manager.ts';
import { createExportVerbs } from './manage-exports.ts';
import { createFileVerbs } from './manage-files.ts';
import { createNotificationVerbs } from './manage-notifications.ts';
import { createQueueVerbs } from './manage-queue.ts';
import { createAllowance } from './platform/allowance.ts';
import { ExportError } from './platform/errors.ts';
import { createBoundedMutex } from './platform/mutex.ts';
import type { Clock } from './platform/ports.ts';
import { createStatusReport } from './report-status.ts';

/** Maximum number of export requests that run or wait at once. Further requests are refused with BUSY. */
const EXPORTS_WAITING_MAX = 12;

/**
 * Maximum number of full exports that may be requested in a burst and per hour. A full export rewrites everything, up to hundreds
 * of MB, and any page or program on the boat may request one. Daily and incremental exports are not limited.
 */
const FULL_EXPORTS_PER_HOUR_MAX = 60;
const HOUR_MS = 3_600_000;

/** Assembles the export manager's operations. Exports and the doctor never run at the same time. */
export function createExportManager(deps: ExportManagerDeps): ExportManager {
  const exporting = createBoundedMutex(EXPORTS_WAITING_MAX, 'create an export');
  const { lastCategories, createExport, ...exportVerbs } = createExportVerbs(deps, exporting);
  return {
    ...exportVerbs,
    createExport: limitFullExports(createExport, deps.world.clock),
    ...createQueueVerbs(deps),
    ...createFileVerbs(deps, exporting),
    ...createNotificationVerbs(deps),
    status: createStatusReport(deps, lastCategories),
  };
}

/** Limits full exports to FULL_EXPORTS_PER_HOUR_MAX. Further requests throw BUSY. */
function limitFullExports(
  createExport: ExportVerbs['createExport'],
  clock: Clock,
): ExportVerbs['createExport'] {
  const allowance = createAllowance(clock, FULL_EXPORTS_PER_HOUR_MAX, HOUR_MS);
  return async (type, trigger) => {
    if (type === 'incremental' || allowance.take(1)) return createExport(type, trigger);
    throw new ExportError(
      'BUSY',
      `More than ${FULL_EXPORTS_PER_HOUR_MAX} full exports were requested within an hour`,
      {
        op: 'create an export',
        hint: 'Request an incremental export, or wait a minute. Find out which page or program requests full exports.',
      },
    );
  };
}
