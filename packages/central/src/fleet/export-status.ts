import { CATEGORIES, type Category } from '@d3kos/protocol';
import type { ExportStatus } from '../api/schemas.ts';
import type { Queryable } from '../platform/ports.ts';
import { numberOf, textOf } from '../store/row.ts';
import { findInstallation } from './installations.ts';
import { listLedgers } from './ledgers.ts';
import { findGaps } from './load-sequence-gaps.ts';

/** Number of records that central holds in one category, and the size of their JSON text. */
export interface CategoryHolding {
  readonly category: Category;
  readonly records: number;
  readonly bytes: number;
}

/** Returns the number of records that central holds for an installation, by category. Each import updates the counts. */
export async function loadHoldings(
  store: Queryable,
  installationId: string,
): Promise<readonly CategoryHolding[]> {
  const rows = await store.query(
    `select category, records::float8 as records, bytes::float8 as bytes from installation_holdings
     where installation_id = $1::text`,
    [installationId],
  );
  const found = new Map(rows.map((row) => [textOf(row, 'category'), row]));
  return CATEGORIES.map((category) => {
    const row = found.get(category);
    return row === undefined
      ? { category, records: 0, bytes: 0 }
      : { category, records: numberOf(row, 'records'), bytes: numberOf(row, 'bytes') };
  });
}

/**
 * Returns the status of an installation's exports at central, or undefined if the installation is not enrolled. R61: "… with null
 * for each value that is unknown": the records waiting on board, and the boat's schedule.
 */
export async function loadExportStatus(
  store: Queryable,
  installationId: string,
  nowIso: string,
): Promise<ExportStatus | undefined> {
  const summary = await findInstallation(store, installationId, nowIso);
  if (summary === undefined) return undefined;
  const holdings = await loadHoldings(store, installationId);
  const bytes = holdings.reduce((sum, holding) => sum + holding.bytes, 0);
  return {
    status: 'success',
    installation_id: installationId,
    last_export:
      summary.last_export_id === null
        ? null
        : {
            export_id: summary.last_export_id,
            export_timestamp: summary.last_export_timestamp,
            received_at: summary.last_heard_at,
          },
    records_synced: holdings.reduce((sum, holding) => sum + holding.records, 0),
    records: Object.fromEntries(holdings.map(({ category, records }) => [category, records])),
    pending_records: null,
    storage_used_mb: Math.round(bytes / 10_000) / 100,
    next_scheduled_export: null,
    ...(await findGaps(store, installationId)),
    concurrent_ledgers: summary.concurrent_ledgers,
    ledgers: await listLedgers(store, installationId),
  };
}
