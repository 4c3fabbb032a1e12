import { loadavg } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import {
  countPerSecond,
  enrollBoats,
  MEASURED_SETTINGS,
  openDatabase,
  requireSuccess,
  sendPart,
  toPart,
} from './central-client.ts';
import { type Central, startCentral } from './daemon.ts';
import { toFigure } from './figure.ts';
import { readProcess } from './process-facts.ts';
import type { Bench } from './run.ts';
import { findPostmaster, readServerCpu, type ServerCpu, toServerCpuMs } from './server-cpu.ts';

/** Number of boats, and number of exports that each boat sends, one after another. */
const BOATS = 40;
const EXPORTS_PER_BOAT = 50;
/** Number of records in an ordinary daily export, as in the delivery benchmark. */
const EXPORT_ROWS = 100;
/** Number of exports sent before the measurement to warm up plans and caches. */
const WARM_EXPORTS = 5;
const CONNECTIONS = 4;
const LEDGER_ID = 'e'.repeat(16);

/** The resources that the database and the processes have used so far. */
interface Usage {
  readonly nodeCpuMs: number;
  readonly databaseCpu: ServerCpu;
  readonly recordBytes: number;
  readonly otherBytes: number;
  readonly walBytes: number;
}

/**
 * Measures what one daily export costs: CPU time, bytes in the database and bytes of WAL. scripts/scale.ts sizes fleets from
 * these figures. Unlike durations, CPU time and bytes depend little on other load.
 */
export const benchScale: Bench = async ({ folder, signal, report, logProgress }) => {
  const central = await startCentral(join(folder, 'central'), signal, MEASURED_SETTINGS);
  try {
    const db = await openDatabase(central, 1);
    try {
      const boats = await enrollBoats(db, BOATS);
      const send = (firstExport: number, count: number) =>
        countPerSecond(
          CONNECTIONS,
          Array.from({ length: count }, (_, no) => firstExport + no).flatMap((sequence) =>
            boats.map(
              (boat) => async () =>
                requireSuccess(await sendPart(central, toPart(boat, LEDGER_ID, sequence, EXPORT_ROWS))),
            ),
          ),
        );
      await send(1, WARM_EXPORTS);
      const before = await readUsage(central, db);
      logProgress(`sending ${BOATS * EXPORTS_PER_BOAT} exports of ${EXPORT_ROWS} records`);
      await send(1 + WARM_EXPORTS, EXPORTS_PER_BOAT);
      const after = await readUsage(central, db);
      const exports = BOATS * EXPORTS_PER_BOAT;
      const grown = (amount: Exclude<keyof Usage, 'databaseCpu'>): number => after[amount] - before[amount];
      const note = `${exports} exports of ${EXPORT_ROWS} records, ${CONNECTIONS} connections, load ${(loadavg()[0] ?? 0).toFixed(0)}`;
      const figures = [
        ['node_cpu_per_export', grown('nodeCpuMs') / exports, 'ms'],
        ['database_cpu_per_export', toServerCpuMs(before.databaseCpu, after.databaseCpu) / exports, 'ms'],
        ['bytes_per_record', grown('recordBytes') / exports / EXPORT_ROWS, 'B'],
        ['bytes_per_export', grown('otherBytes') / exports, 'B'],
        ['wal_per_export', grown('walBytes') / exports, 'B'],
        ['records_per_export', EXPORT_ROWS, 'records'],
      ] as const;
      for (const [name, value, unit] of figures)
        report(toFigure(`scale.${name}`, value, unit, 'orientation', note));
    } finally {
      await db.end();
    }
  } finally {
    await central.stop();
  }
};

async function readUsage(central: Central, db: pg.Pool): Promise<Usage> {
  await db.query('checkpoint');
  const { rows } = await db.query<{ records: number; total: number; wal: number }>(
    `select pg_total_relation_size('records_boatlog')::float8 as records,
       (select sum(pg_total_relation_size(oid))::float8 from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r') as total,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the database has no figures');
  return {
    nodeCpuMs: readProcess(central.pid).cpuMs,
    databaseCpu: readServerCpu(await findPostmaster(db)),
    recordBytes: row.records,
    otherBytes: row.total - row.records,
    walBytes: row.wal,
  };
}
