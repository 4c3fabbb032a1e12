import { toDiskReason } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';

/**
 * Wraps a collector so that a failure of the disk ends the category in state `error` but never fails the export. Collectors
 * report the failures that they expect. This catches the others, for example a folder that becomes unreadable during the
 * collection. A defect is rethrown.
 */
export function withSourceFailures(collector: Collector): Collector {
  async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
    try {
      return yield* collector.collect(context);
    } catch (error) {
      if (!isExportError(error, 'DISK_FAILED') && !isExportError(error, 'FILE_TOO_LARGE')) throw error;
      return { state: 'error', detail: `a source ${toDiskReason(error)}`, cursors: [] };
    }
  }
  return { ...collector, collect };
}
