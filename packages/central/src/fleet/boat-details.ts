import { CATEGORIES } from '@d3kos/protocol';
import type { FleetBoatDetails } from '../api/fleet-schemas.ts';
import type { Queryable } from '../platform/ports.ts';
import { recordTable } from '../store/record-tables.ts';
import { numberOf, textOf, textOrNullOf, utcText } from '../store/row.ts';
import { loadHoldings } from './export-status.ts';
import { findInstallation } from './installations.ts';
import { listLedgers } from './ledgers.ts';
import { BOAT_COLUMNS, toFleetBoat } from './list-boats.ts';

/** Number of days in a boat's chart. */
const DAYS_SHOWN = 30;

/** Returns a boat's summary for the operator, or undefined if the boat is not enrolled. */
export async function loadBoatDetails(
  store: Queryable,
  installationId: string,
  nowIso: string,
): Promise<FleetBoatDetails | undefined> {
  const summary = await findInstallation(store, installationId, nowIso);
  const [row] = await store.query(
    `select ${BOAT_COLUMNS} from installations i where i.installation_id = $2::text`,
    [nowIso, installationId],
  );
  if (summary === undefined || row === undefined) return undefined;
  return {
    status: 'success',
    as_of: nowIso,
    boat: toFleetBoat(row),
    documents: summary.documents,
    rejected: summary.rejected,
    wire_bytes: summary.wire_bytes,
    live_tokens: summary.live_tokens,
    id_as_token: summary.id_as_token,
    holdings: await loadNewest(store, installationId),
    days: await loadDays(store, installationId, nowIso),
    ledgers: await listLedgers(store, installationId),
  };
}

async function loadNewest(store: Queryable, installationId: string): Promise<FleetBoatDetails['holdings']> {
  const newest = CATEGORIES.map(
    (category) =>
      `select '${category}' as category, ${utcText('max(recorded_at)')} as newest_at
       from ${recordTable(category)} where installation_id = $1::text`,
  );
  const rows = await store.query(newest.join(' union all '), [installationId]);
  const newestAt = new Map(rows.map((row) => [textOf(row, 'category'), textOrNullOf(row, 'newest_at')]));
  const holdings = await loadHoldings(store, installationId);
  return holdings.map((holding) => ({ ...holding, newest_at: newestAt.get(holding.category) ?? null }));
}

async function loadDays(
  store: Queryable,
  installationId: string,
  nowIso: string,
): Promise<FleetBoatDetails['days']> {
  const rows = await store.query(
    `select to_char(d.day, 'YYYY-MM-DD') as day_text, coalesce(u.records, 0)::float8 as records,
       coalesce(u.stored_bytes, 0)::float8 as stored_bytes
     from generate_series((($2::timestamptz at time zone 'UTC')::date - ${DAYS_SHOWN - 1})::timestamp,
            (($2::timestamptz at time zone 'UTC')::date)::timestamp, interval '1 day') as d(day)
       left join installation_usage u on u.installation_id = $1::text and u.day = d.day::date
     order by d.day`,
    [installationId, nowIso],
  );
  return rows.map((row) => ({
    day: textOf(row, 'day_text'),
    records: numberOf(row, 'records'),
    stored_bytes: numberOf(row, 'stored_bytes'),
  }));
}
