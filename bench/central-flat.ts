import { join } from 'node:path';
import type pg from 'pg';
import {
  type Boat,
  enrollBoats,
  get,
  MEASURED_SETTINGS,
  openDatabase,
  OPERATOR_TOKEN,
  requireSuccess,
  sendPart,
  toPart,
} from './central-client.ts';
import { type Central, startCentral } from './daemon.ts';
import { type Bound, median, toFigure } from './figure.ts';
import { readProcess } from './process-facts.ts';
import type { Bench, BenchRun } from './run.ts';
import { findPostmaster, readServerCpu, toServerCpuMs } from './server-cpu.ts';

/** Numbers of records per boat whose costs are compared. `--rows` above 1,000,000 adds another. */
const HISTORIES = [10_000, 100_000, 1_000_000] as const;
/** Numbers of installations in the two fleets. */
const FLEETS = [1_000, 100_000] as const;
/** Number of rows in each export of a history. */
const EXPORT_ROWS = 200;
const LEDGER_ID = 'f'.repeat(16);
/** Number of measurements per cell. They alternate between a row's cells. */
const SAMPLES = 40;
/** Number of warm-up rounds, during which the programs compile their code and fill their caches. */
const WARM_SAMPLES = 10;
/** Maximum factor by which a cost may grow. */
const GROWTH_MAX = 1.3;

/** One operation whose cost is measured. */
interface Place {
  readonly name: string;
  readonly central: Central;
  readonly boat: Boat;
  /** ID of the database server's main process. */
  readonly postmaster: number;
  sequence: number;
}

/** What is measured. */
const COSTS: Readonly<Record<string, (place: Place) => Promise<number>>> = {
  import: async (place) => {
    place.sequence += 1;
    const part = toPart(place.boat, LEDGER_ID, place.sequence, EXPORT_ROWS);
    return requireSuccess(await sendPart(place.central, part)).durationMs;
  },
  status: async ({ central, boat }) => {
    const path = `/api/v1/data/export/status?installation_id=${boat.id}`;
    return requireSuccess(await get(central, path, boat.token)).durationMs;
  },
  scrape: async ({ central }) => requireSuccess(await get(central, '/metrics', '')).durationMs,
  fleet_list: async ({ central }) =>
    requireSuccess(await get(central, '/api/v1/fleet/installations', OPERATOR_TOKEN)).durationMs,
};

/**
 * Measures how costs grow with a boat's history and with the number of installations: the time to the answer, and the CPU time of
 * the node and its database, which other load on the machine barely affects.
 */
export const measureFlatness: Bench = async (run) => {
  const centrals: Central[] = [];
  const databases: pg.Pool[] = [];
  try {
    const places: Place[] = [];
    const within = HISTORIES.filter((records) => records <= run.options.rows);
    const histories = run.options.rows > 1_000_000 ? [...within, run.options.rows] : within;
    for (const installations of FLEETS) {
      const folder = join(run.folder, `fleet-${installations}`);
      const central = await startCentral(folder, run.signal, MEASURED_SETTINGS);
      centrals.push(central);
      const db = await openDatabase(central, 1);
      databases.push(db);
      const own = installations === FLEETS[0] ? histories.slice(0, 1) : histories;
      const boats = await enrollBoats(db, own.length);
      const postmaster = await findPostmaster(db);
      for (const [index, records] of own.entries()) {
        const boat = boats[index] ?? { id: '', token: '' };
        run.logProgress(`inserting ${records} records of one of ${installations} installations`);
        await fillHistory(db, boat, records);
        const name = `${records} records, ${installations} installations`;
        places.push({ name, central, boat, postmaster, sequence: records / EXPORT_ROWS });
      }
      await fillFleet(db, installations);
      await db.query('vacuum (analyze)');
    }
    await measureRows(run, places);
  } finally {
    for (const db of databases) await db.end();
    for (const central of centrals) await central.stop();
  }
};

async function measureRows(run: BenchRun, places: readonly Place[]): Promise<void> {
  for (const [cost, measure] of Object.entries(COSTS)) {
    const [times, cpus] = [places.map((): number[] => []), places.map((): number[] => [])];
    for (let sample = -WARM_SAMPLES; sample < SAMPLES; sample += 1)
      for (const [at, place] of toRound(places)) {
        const before = readCpu(place);
        const durationMs = await measure(place);
        if (sample < 0) continue;
        times[at]?.push(durationMs);
        const after = readCpu(place);
        cpus[at]?.push(after.nodeMs - before.nodeMs + toServerCpuMs(before.server, after.server));
      }
    reportGrowth(run, cost, places, times.map(median), 'orientation');
    reportGrowth(run, `${cost}_cpu`, places, cpus.map(median), { atMost: GROWTH_MAX });
  }
}

/**
 * One round's cells, with their index. Each central gets the same number of requests, because code that has run more often
 * is faster. The central with one cell gets as many as the one with several.
 */
function toRound(places: readonly Place[]): readonly (readonly [index: number, place: Place])[] {
  const indexed = [...places.entries()];
  const [small, large] = [indexed.slice(0, 1), indexed.slice(1)];
  return large.flatMap((one) => [...small, one]);
}

/** The CPU time that a node and its database have used so far. */
function readCpu({ central, postmaster }: Place) {
  return { nodeMs: readProcess(central.pid).cpuMs, server: readServerCpu(postmaster) };
}

function reportGrowth(
  run: BenchRun,
  cost: string,
  places: readonly Place[],
  medians: readonly number[],
  bound: Bound,
): void {
  const note = places
    .map(({ name }, at) => `${(medians[at] ?? Number.NaN).toFixed(2)} ms with ${name}`)
    .join('; ');
  const [small = Number.NaN, ...large] = medians;
  const first = large[0] ?? Number.NaN;
  const growth = { installations: first / small, records: (large.at(-1) ?? Number.NaN) / first };
  for (const [by, value] of Object.entries(growth))
    run.report(toFigure(`central.${cost}_growth_by_${by}`, value, 'x', bound, note));
}

/** Gives a boat a history of exports with EXPORT_ROWS records each, and the state that importing them would leave. */
async function fillHistory(db: pg.Pool, { id }: Boat, records: number): Promise<void> {
  const exports = records / EXPORT_ROWS;
  await db.query(
    `insert into records_boatlog (installation_id, record_id, recorded_at, ledger_id, sequence, export_id, part_index, import_id,
       received_at, record, entry_type, latitude, longitude)
     select $1::text, 'old-' || lpad(n::text, 9, '0'), now() - n * interval '1 minute', $2::text, n / ${EXPORT_ROWS} + 1,
       'export_' || (n / ${EXPORT_ROWS} + 1), 1, 'import_' || (n / ${EXPORT_ROWS} + 1), now(),
       jsonb_build_object('record_id', 'old-' || lpad(n::text, 9, '0'), 'content', repeat('wind 12 kn ', 12), 'id', n), 'auto', 44, -76
     from generate_series(0, $3::int - 1) n`,
    [id, LEDGER_ID, records],
  );
  await db.query(
    `insert into imports (installation_id, idempotency_key, import_id, export_id, part_index, part_count, sha256, receipt, ledger_id,
       sequence, export_timestamp, sections, content_coding, wire_bytes, decoded_bytes, received_at)
     select $1::text, 'export_' || n || '/1', 'import_' || n, 'export_' || n, 1, 1, md5(n::text), '{}', $2::text, n, '', '{}', 'gzip',
       5000, 50000, now() from generate_series(1, $3::int) n`,
    [id, LEDGER_ID, exports],
  );
  await db.query(
    `insert into ledger_exports (installation_id, ledger_id, sequence, export_id, part_count, parts_held)
     select $1::text, $2::text, n, 'export_' || n, 1, 1 from generate_series(1, $3::int) n`,
    [id, LEDGER_ID, exports],
  );
  await db.query(
    `insert into ledgers (installation_id, ledger_id, ledger_no, first_received_at, last_received_at,
       highest_sequence, held_through) values ($1, $2, 1, now(), now(), $3, $3)`,
    [id, LEDGER_ID, exports],
  );
  await db.query(`insert into installation_holdings values ($1, 'boatlog', $2, $2::bigint * 200)`, [
    id,
    records,
  ]);
  await db.query(
    `update installations set last_ledger_id = $2, last_sequence = $3::bigint, last_heard_at = now(), documents = $3::bigint, records = $4::bigint,
       held_records = $4::bigint, held_bytes = $4::bigint * 200, last_export_id = 'export_' || $3::bigint, last_export_timestamp = '2026-06-01T11:59:00Z'
     where installation_id = $1`,
    [id, LEDGER_ID, exports, records],
  );
}

/** Adds installations until there are `installations` of them. */
async function fillFleet(db: pg.Pool, installations: number): Promise<void> {
  await db.query(
    `insert into installations (installation_id, tier, enrolled_at, last_heard_at, documents, records)
     select lpad(to_hex(n), 16, '0'), 2, now(), now() - n * interval '1 second', 100, 20000
     from generate_series(1, $1::int - (select count(*)::int from installations)) n`,
    [installations],
  );
}
