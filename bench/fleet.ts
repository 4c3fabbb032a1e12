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
import { insertBoats } from '../packages/central/src/testing/many-boats.ts';
import { quantile, toFigure } from './figure.ts';
import { measureFleetPage } from './fleet-page.ts';
import type { Bench, BenchRun } from './run.ts';

const BOATS = 100_000;
/** Number of repetitions of each query. The 95th percentile is reported. */
const QUERIES = 60;
/** The target time of each query, in ms. */
const P95_MAX_MS = 100;
const NOW = '2026-06-01T12:00:00.000Z';

/**
 * Measures the first load of the Fleet page with 10,000 boats, and its queries on the embedded database with 100,000 boats,
 * from the statement to the answer.
 */
export const benchFleet: Bench = async (run) => {
  await measureFleetPage(run);
  await measureQueries(run);
};

async function measureQueries({ folder, report, logProgress, signal }: BenchRun): Promise<void> {
  const dataDir = `${folder}/database`;
  const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG });
  const store = openPgStore(embedded.address, SILENT_LOG);
  try {
    await migrate(store, Date.parse(NOW));
    logProgress(`inserting ${BOATS} boats`);
    await insertBoats(store, BOATS, NOW);
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
}

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
