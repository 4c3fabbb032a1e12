import { join } from 'node:path';
import type pg from 'pg';
import { copyNew, toBatch, upsertBinary, upsertCopy, upsertRecordset, upsertUnnest } from './central-bare.ts';
import {
  countPerSecond,
  createSequences,
  enrollBoats,
  get,
  MEASURED_SETTINGS,
  openDatabase,
  requireSuccess,
  sendPart,
  toLedgerId,
  toPart,
} from './central-client.ts';
import { EXPORT_ROWS, measureExports } from './central-exports.ts';
import { measureFlatness } from './central-flat.ts';
import { type Central, startCentral } from './daemon.ts';
import { median, medianRatio, quantile, toFigure } from './figure.ts';
import { readProcess } from './process-facts.ts';
import type { Bench, BenchRun } from './run.ts';

/** Number of database connections, and number of ordinary exports that each side stores in one repetition. */
const CONNECTIONS = 8;
const EXPORTS = 200;
/** Number of rows in a part of 1 MiB, number of parts per side in one repetition, and number of connections that send them. */
const PART_ROWS = 4_300;
const PARTS = 16;
const BULK_CONNECTIONS = 4;
/** Number of boats that send at the same time. */
const FLEET = 200;
/** Number of 4 MiB parts that arrive at the same time. */
const LARGE_PARTS = 100;
const LARGE_ROWS = 17_200;

/** Compares the cost of imports with that of the same PostgreSQL without central, and checks that the cost does not grow. */
export const benchCentral: Bench = async (run) => {
  await measureOne(run, async (central, db) => {
    await measureExports(run, central, db);
    await measureBulk(run, central, db);
    await measurePaths(run, db);
    await measureFleet(run, central, db);
  });
  await measureMemory(run);
  await measureFlatness(run);
};

/** The part of `benchCentral` that measures ordinary exports. */
export const benchImports: Bench = (run) =>
  measureOne(run, (central, db) => measureExports(run, central, db));

async function measureOne(
  run: BenchRun,
  measure: (central: Central, db: pg.Pool) => Promise<void>,
): Promise<void> {
  const central = await startCentral(join(run.folder, 'central'), run.signal, MEASURED_SETTINGS);
  try {
    const db = await openDatabase(central, CONNECTIONS);
    try {
      await measure(central, db);
    } finally {
      await db.end();
    }
  } finally {
    await central.stop();
  }
}

/** Compares parts of 1 MiB with COPY of the same number of rows into the same table. */
async function measureBulk({ options, report }: BenchRun, central: Central, db: pg.Pool) {
  const boats = await enrollBoats(db, BULK_CONNECTIONS);
  const next = createSequences();
  const [imported, copied]: [number[], number[]] = [[], []];
  for (let round = 0; round <= options.repetitions; round += 1) {
    const parts = Array.from({ length: PARTS }, (_, index) => {
      const boat = boats[index % boats.length] ?? { id: '', token: '' };
      return toPart(boat, toLedgerId(2), next(boat), PART_ROWS);
    });
    const batches = parts.map((part, index) => toBatch(part.boat.id, `copy-${round}-${index}`, PART_ROWS));
    const sides = [
      await countPerSecond(
        BULK_CONNECTIONS,
        batches.map((batch) => () => copyNew(db, batch)),
      ),
      await countPerSecond(
        BULK_CONNECTIONS,
        parts.map((part) => async () => requireSuccess(await sendPart(central, part))),
      ),
    ];
    if (round === 0) continue;
    for (const [at, list] of [copied, imported].entries()) list.push((sides[at] ?? 0) * PART_ROWS);
  }
  report(
    toFigure(
      'central.bulk_vs_copy',
      medianRatio(imported, copied),
      'x',
      { atLeast: 0.5 },
      `${median(imported).toFixed(0)} and COPY ${median(copied).toFixed(0)} rows/s, parts of 1 MiB, ${BULK_CONNECTIONS} connections`,
    ),
  );
}

/** Alternative statements for storing a part's rows in the same table. */
async function measurePaths({ options, report }: BenchRun, db: pg.Pool) {
  const paths = {
    recordset: upsertRecordset,
    unnest: upsertUnnest,
    binary: upsertBinary,
    copy: upsertCopy,
  } as const;
  for (const rows of [EXPORT_ROWS, PART_ROWS]) {
    const rates: Record<string, number[]> = { recordset: [], unnest: [], binary: [], copy: [] };
    for (let round = 0; round <= options.repetitions; round += 1)
      for (const [name, store] of Object.entries(paths)) {
        const count = rows === EXPORT_ROWS ? EXPORTS : PARTS;
        const batches = Array.from({ length: count }, (_, index) =>
          toBatch('0'.repeat(16), `${name}-${rows}-${round}-${index}`, rows),
        );
        const rate = await countPerSecond(
          BULK_CONNECTIONS,
          batches.map((batch) => () => store(db, batch)),
        );
        if (round > 0) rates[name]?.push(rate * rows);
      }
    for (const name of ['unnest', 'binary', 'copy'])
      report(
        toFigure(
          `central.${name}_vs_recordset_${rows}`,
          medianRatio(rates[name] ?? [], rates['recordset'] ?? []),
          'x',
          'orientation',
          `${median(rates[name] ?? []).toFixed(0)} and ${median(rates['recordset'] ?? []).toFixed(0)} rows/s`,
        ),
      );
  }
}

/** Measures a fleet whose boats all send one export at the same time, and the health answers meanwhile. */
async function measureFleet({ report, signal }: BenchRun, central: Central, db: pg.Pool) {
  const boats = await enrollBoats(db, FLEET);
  const parts = boats.map((boat) => toPart(boat, toLedgerId(3), 1, EXPORT_ROWS));
  const health: number[] = [];
  const probing = new AbortController();
  const probe = (async () => {
    while (!probing.signal.aborted && !signal.aborted)
      health.push(requireSuccess(await get(central, '/api/v1/health', '')).durationMs);
  })();
  const answers = await Promise.all(parts.map((part) => sendPart(central, part)));
  probing.abort();
  await probe;
  const stored = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503 || status === 429);
  const times = answers.map(({ durationMs }) => durationMs);
  const note = `${stored.length} stored, ${refused.length} refused with Retry-After, ${answers.length - stored.length - refused.length} failed`;
  report(toFigure('central.fleet_answer_p99', quantile(times, 0.99), 'ms', 'orientation', note));
  report(
    toFigure(
      'central.fleet_stored_p99',
      quantile(
        stored.map(({ durationMs }) => durationMs),
        0.99,
      ),
      'ms',
      'orientation',
    ),
  );
  report(
    toFigure(
      'central.fleet_health_p99',
      quantile(health, 0.99),
      'ms',
      { atMost: 20 },
      `${health.length} probes`,
    ),
  );
}

/** Measures how much memory a node uses while it receives many large parts at once, compared with an idle node. */
async function measureMemory({ folder, signal, report }: BenchRun) {
  const central = await startCentral(join(folder, 'memory'), signal, MEASURED_SETTINGS);
  try {
    const db = await openDatabase(central, 1);
    const boats = await enrollBoats(db, LARGE_PARTS);
    await db.end();
    const idle = readProcess(central.pid).rssMb;
    const [one] = boats;
    if (one === undefined) throw new Error('no boat was enrolled');
    const parts = boats.map((boat) => toPart(boat, toLedgerId(4), 1, LARGE_ROWS));
    const answers = await Promise.all(parts.map((part) => sendPart(central, part)));
    const stored = answers.filter(({ status }) => status === 200).length;
    const { peakRssMb } = readProcess(central.pid);
    const note = `idle ${idle.toFixed(0)} MB; ${stored} of ${LARGE_PARTS} parts of 4 MiB stored at once, the others refused with Retry-After`;
    report(toFigure('central.peak_rss_large_parts', peakRssMb, 'MB', { atMost: 1_024 }, note));
  } finally {
    await central.stop();
  }
}
