import type pg from 'pg';
import { toBatch, upsertBinary, upsertRecordset } from './central-bare.ts';
import {
  type Boat,
  countPerSecond,
  createSequences,
  enrollBoats,
  requireSuccess,
  sendPart,
  toLedgerId,
  toPart,
} from './central-client.ts';
import type { Central } from './daemon.ts';
import { median, medianRatio, toFigure } from './figure.ts';
import { readProcess } from './process-facts.ts';
import type { BenchRun } from './run.ts';
import { findPostmaster, readServerCpu, type ServerCpu, toServerCpuMs } from './server-cpu.ts';

/** Rows of an ordinary export, about 50 kB. */
export const EXPORT_ROWS = 200;
/** Number of connections on each side of a comparison. */
const CONNECTIONS = 8;
/** Number of exports on each side in one repetition. */
const EXPORTS = 200;
const BOATS = 4 * CONNECTIONS;

/** The processes whose CPU time is measured: this one sends, `node` is central, `postgres` is every process of the server. */
const PROCESSES = ['node', 'postgres', 'client'] as const;
type CpuMs = Readonly<Record<(typeof PROCESSES)[number], number>>;

/** The results of one side of the comparison in one repetition. */
interface Measured {
  readonly perSecond: number;
  /** CPU time of each process for one export. */
  readonly cpuMs: CpuMs;
}

const SIDES = ['bare', 'binary', 'first', 'repeated'] as const;
type Side = (typeof SIDES)[number];

/**
 * Compares first-time and repeated exports with a bare upsert of the same rows, alternately. The bare loop sends the rows as text
 * over the same number of driver connections, with one statement per export in its own transaction, and without HTTP, compression
 * or checks. The CPU time of each process shows where an import spends its time.
 */
export async function measureExports(run: BenchRun, central: Central, db: pg.Pool): Promise<void> {
  const { options, logProgress } = run;
  const boats = await enrollBoats(db, BOATS);
  const pick = (index: number): Boat => boats[index % boats.length] ?? { id: '', token: '' };
  const next = createSequences();
  const postmaster = await findPostmaster(db);
  const measure = async (tasks: readonly (() => Promise<unknown>)[]): Promise<Measured> => {
    const before = readCpu(central, postmaster);
    const perSecond = await countPerSecond(CONNECTIONS, tasks);
    const after = readCpu(central, postmaster);
    const cpuMs = {
      node: (after.nodeMs - before.nodeMs) / tasks.length,
      postgres: toServerCpuMs(before.server, after.server) / tasks.length,
      client: (after.clientMs - before.clientMs) / tasks.length,
    };
    return { perSecond, cpuMs };
  };
  const sides: Readonly<Record<Side, Measured[]>> = { bare: [], binary: [], first: [], repeated: [] };
  // One round without a measurement warms up both sides.
  for (let round = 0; round <= options.repetitions; round += 1) {
    const toBatches = (name: string) =>
      Array.from({ length: EXPORTS }, (_, index) =>
        toBatch(pick(index).id, `${name}-${round}-${index}`, EXPORT_ROWS),
      );
    const batches = { bare: toBatches('bare'), binary: toBatches('binary') };
    const parts = Array.from({ length: EXPORTS }, (_, index) =>
      toPart(pick(index), toLedgerId(1), next(pick(index)), EXPORT_ROWS),
    );
    const sendAll = parts.map((part) => async () => requireSuccess(await sendPart(central, part)));
    const measured: Readonly<Record<Side, Measured>> = {
      bare: await measure(batches.bare.map((batch) => () => upsertRecordset(db, batch))),
      binary: await measure(batches.binary.map((batch) => () => upsertBinary(db, batch))),
      first: await measure(sendAll),
      repeated: await measure(sendAll),
    };
    logProgress(
      `exports/s: ${SIDES.map((side) => `${side} ${measured[side].perSecond.toFixed(0)}`).join(', ')}`,
    );
    if (round > 0) for (const side of SIDES) sides[side].push(measured[side]);
  }
  reportRates(run, sides);
  reportCpu(run, sides);
}

function readCpu({ pid }: Central, postmaster: number) {
  const { user, system } = process.cpuUsage();
  const server: ServerCpu = readServerCpu(postmaster);
  return { nodeMs: readProcess(pid).cpuMs, clientMs: (user + system) / 1_000, server };
}

function reportRates({ report }: BenchRun, sides: Readonly<Record<Side, readonly Measured[]>>): void {
  const rates = (side: Side) => sides[side].map(({ perSecond }) => perSecond);
  const rate = (side: Side) => median(rates(side)).toFixed(0);
  const note = `${CONNECTIONS} connections, ${EXPORT_ROWS} rows; ${rate('first')} and bare ${rate('bare')} exports/s; the client runs on the same cores`;
  const againstBare = medianRatio(rates('first'), rates('bare'));
  report(toFigure('central.exports_vs_bare_upsert', againstBare, 'x', { atLeast: 0.7 }, note));
  report(
    toFigure(
      'central.exports_vs_bare_binary',
      medianRatio(rates('first'), rates('binary')),
      'x',
      'orientation',
      `the bare loop with central's own prepared statement for records: ${rate('binary')} exports/s`,
    ),
  );
  report(
    toFigure(
      'central.repeated_vs_first',
      medianRatio(rates('repeated'), rates('first')),
      'x',
      { atLeast: 3 },
      `${rate('repeated')} repeated exports/s`,
    ),
  );
}

function reportCpu({ report }: BenchRun, sides: Readonly<Record<Side, readonly Measured[]>>): void {
  for (const side of SIDES) {
    const cpu = (name: keyof CpuMs) => median(sides[side].map(({ cpuMs }) => cpuMs[name]));
    const note = PROCESSES.map((name) => `${name} ${cpu(name).toFixed(2)} ms`).join(', ');
    const total = PROCESSES.reduce((sum, name) => sum + cpu(name), 0);
    report(toFigure(`central.${side}_cpu_per_export`, total, 'ms', 'orientation', note));
  }
}
