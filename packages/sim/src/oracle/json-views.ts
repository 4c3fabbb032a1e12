import { deepStrictEqual } from 'node:assert/strict';
import { toSpoolPaths } from '@d3kos/boat';
import type { DiskMedium } from '../disk-medium.ts';
import { ROOT } from '../places.ts';
import { type LedgerFacts, STATUSES } from './ledger-facts.ts';
import type { Violate } from './violations.ts';

/** Checks that the two JSON views agree with the ledger. */
export function checkViews(medium: DiskMedium, ledger: LedgerFacts, violate: Violate): void {
  const paths = toSpoolPaths(ROOT);
  const readView = (path: string): Readonly<Record<string, unknown>> =>
    JSON.parse(Buffer.from(medium.get(path) ?? []).toString('utf8'));
  try {
    const queue = readView(paths.queueFile);
    for (const status of STATUSES)
      deepStrictEqual(
        pick(queue[status], ['queue_id', 'status', 'export_file', 'retry_count']),
        ledger.list(status).map((entry) => ({
          queue_id: entry.queueId,
          status: entry.status,
          export_file: entry.exportFile,
          retry_count: entry.retryCount,
        })),
      );
    deepStrictEqual(
      pick(readView(paths.historyFile)['exports'], ['queue_id']),
      ledger
        .history()
        .toReversed()
        .map((row) => ({ queue_id: row.queueId })),
    );
  } catch (error) {
    violate(
      `the JSON views differ from the ledger: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/**
 * Returns each row's values under the given names. A value that is not an array is returned unchanged, so that it differs from
 * the ledger.
 */
function pick(rows: unknown, names: readonly string[]): unknown {
  if (!Array.isArray(rows)) return rows;
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])));
}
