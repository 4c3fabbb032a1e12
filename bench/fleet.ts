import { rm } from 'node:fs/promises';
import pg from 'pg';
import { loadBoatDetails } from '../packages/central/src/fleet/boat-details.ts';
import { type BoatQuery, listBoats } from '../packages/central/src/fleet/list-boats.ts';
import { loadOverview } from '../packages/central/src/fleet/overview.ts';
import { loadPositions } from '../packages/central/src/fleet/positions.ts';
import { startEmbeddedPostgres } from '../packages/central/src/platform/embedded-postgres.ts';
import { SILENT_LOG } from '../packages/central/src/platform/log.ts';
import { openPgStore } from '../packages/central/src/platform/pg-store.ts';
import type { Store } from '../packages/central/src/platform/ports.ts';
import { migrate } from '../packages/central/src/store/migrate.ts';
import { quantile, toFigure } from './figure.ts';
import type { Bench } from './run.ts';

const BOATS = 100_000;
/** Number of repetitions of each query. The 95th percentile is reported. */
const QUERIES = 60;
/** Number of names in one statement, so that it stays below the statement's time limit. */
const NAMES_PER_STATEMENT = 5_000;
/** The target time of each query, in ms. */
const P95_MAX_MS = 100;
const NOW = '2026-06-01T12:00:00.000Z';

/**
 * The mix of boats in a fleet: 3 % late, 1 % with gaps, 1 % refused, 10 % laid up, 2 % never heard, and the others heard within a
 * day. The rows are as wide as real ones.
 */
const BOATS_SQL = `
insert into installations (installation_id, tier, claimed_tier, enrolled_at, last_heard_at, last_export_id, last_export_timestamp,
  last_ledger_id, last_sequence, software_version, documents, records, rejected, wire_bytes, decoded_bytes, held_records, held_bytes,
  boat_name, boat_name_key, arrival_intervals, arrived_at, usual_silence_s, due_at, position_latitude, position_longitude, position_at,
  last_part_index, last_part_count, missing_sequences, gap_since, refused_at, refusal)
select lpad(to_hex(n), 16, '0'), 2, 2, t.now - interval '1 year', heard, 'export_' || n, to_char(heard, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  lpad(to_hex(n), 16, 'a'), n % 500, '0.' || n % 7 || '.0', 500, n % 90000, 0, n * 7, n * 20, n % 90000, n * 15,
  'Boat ' || left(md5(n::text), 12), 'boat ' || left(md5(n::text), 12), '{86400,86400,86400,86400,86400,86400,86400,86400}', heard, 86400, heard + interval '36 hours',
  55 - (n % 977) / 20.0, (n % 1499) / 8.0 - 90, heard, 1, 1,
  case when n % 100 = 1 then 2 else 0 end, case when n % 100 = 1 then t.now - interval '3 days' end,
  case when n % 100 = 2 then t.now - interval '1 hour' end, case when n % 100 = 2 then 'INVALID_TOKEN' end
from generate_series(1, ${BOATS}) as n, (select '${NOW}'::timestamptz as now) as t,
  lateral (select case when n % 100 < 2 then null when n % 100 < 12 then t.now - interval '200 days'
    when n % 100 < 15 then t.now - interval '4 days' else t.now - (n % 1400) * interval '1 minute' end as heard) as h`;

/** Measures the queries of the Fleet page on the embedded database with 100,000 boats, from the statement to the answer. */
export const benchFleet: Bench = async ({ folder, report, logProgress, signal }) => {
  const dataDir = `${folder}/database`;
  const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG });
  const store = openPgStore(embedded.address, SILENT_LOG);
  try {
    await migrate(store, Date.parse(NOW));
    logProgress(`inserting ${BOATS} boats`);
    await store.query(BOATS_SQL);
    await store.query(
      `insert into fleet_hours select s, '${NOW}'::timestamptz - h * interval '1 hour', 40, 900, 90000
       from generate_series(0, 63) as s, generate_series(0, 800) as h`,
    );
    await insertNames(store);
    await vacuum(embedded.address);
    for (const [name, compute] of toComputations(store)) {
      const started = performance.now();
      await compute();
      report(toFigure(`fleet.${name}`, performance.now() - started, 'ms', 'orientation', 'once'));
    }
    for (const [name, query] of toQueries(store)) {
      signal.throwIfAborted();
      for (let warm = 0; warm < 3; warm += 1) await query();
      const times: number[] = [];
      for (let index = 0; index < QUERIES; index += 1) {
        const started = performance.now();
        await query();
        times.push(performance.now() - started);
      }
      report(
        toFigure(`fleet.${name}`, quantile(times, 0.95), 'ms', { atMost: P95_MAX_MS }, `p95 of ${QUERIES}`),
      );
    }
  } finally {
    await store.close();
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
};

/**
 * Does what autovacuum would do within minutes. It uses a separate connection, because the store runs every statement in a
 * transaction, in which VACUUM is not allowed.
 */
async function vacuum(address: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(address);
  await client.connect();
  await client.query('vacuum (analyze)');
  await client.end();
}

/** Indexes the names as imports do. */
async function insertNames(store: Store): Promise<void> {
  for (let first = 1; first <= BOATS; first += NAMES_PER_STATEMENT)
    await store.query(
      `insert into boat_names (installation_id, name_key, grams)
       select i.installation_id, i.boat_name_key, array(
         select distinct substr(i.boat_name_key, at, length) from generate_series(1, char_length(i.boat_name_key)) at,
           generate_series(1, 3) length where at + length - 1 <= char_length(i.boat_name_key))
       from generate_series($1::int, $2::int) n join installations i on i.installation_id = lpad(to_hex(n), 16, '0')`,
      [first, first + NAMES_PER_STATEMENT - 1],
    );
}

const WHOLE: BoatQuery = {
  sort: 'attention',
  filter: 'all',
  tier: undefined,
  version: undefined,
  search: undefined,
  after: undefined,
  limit: 50,
};

const WORLD = { west: -180, south: -80, east: 180, north: 80, cell: 20 };

/** The first requests, which compute the data that later requests read for a minute. */
function toComputations(store: Store): readonly (readonly [name: string, compute: () => Promise<unknown>])[] {
  return [
    ['overview_computed', () => loadOverview(store, NOW)],
    ['cells_computed', () => loadPositions(store, WORLD, NOW)],
  ];
}

function toQueries(store: Store): readonly (readonly [name: string, query: () => Promise<unknown>])[] {
  const list = (change: Partial<BoatQuery>) => () => listBoats(store, { ...WHOLE, ...change }, NOW);
  let after: string | undefined;
  return [
    ['first_page', list({})],
    ['by_name', list({ sort: 'name' })],
    ['by_size', list({ sort: 'size' })],
    ['late', list({ filter: 'late' })],
    ['gaps', list({ filter: 'gaps' })],
    ['search', list({ search: 'abc9' })],
    ['search_two', list({ search: 'c9' })],
    ['search_frequent', list({ search: 'boat' })],
    ['search_nothing', list({ search: 'zzz' })],
    ['search_id', list({ search: '00000000000abc' })],
    ['version', list({ version: '0.3.0', filter: 'late' })],
    [
      'each_next_page',
      async () => {
        const page = await listBoats(store, { ...WHOLE, after }, NOW);
        after = page?.next ?? undefined;
      },
    ],
    ['overview', () => loadOverview(store, NOW)],
    ['world_map', () => loadPositions(store, WORLD, NOW)],
    ['near_map', () => loadPositions(store, { west: 0, south: 40, east: 10, north: 50, cell: 0.5 }, NOW)],
    ['boat', () => loadBoatDetails(store, '0000000000000064', NOW)],
  ];
}
