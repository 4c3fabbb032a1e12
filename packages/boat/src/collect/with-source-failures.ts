import { toDiskReason } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';

/**
 * Wraps a collector so that a disk failure ends the category with state `error` instead of failing the export. Collectors report
 * the failures that they expect; this catches the others, for example a folder that becomes unreadable during collection. Bugs
 * are rethrown.
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
