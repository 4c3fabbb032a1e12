import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { borrowEmbeddedPostgres, SILENT_LOG } from '@d3kos/central';
import {
  type Boat,
  countPerSecond,
  createSequences,
  enrollBoats,
  MEASURED_SETTINGS,
  openDatabase,
  requireSuccess,
  sendPart,
  toLedgerId,
  toPart,
} from './central-client.ts';
import { hasProgram, runChild } from './child.ts';
import { type Central, startCentral } from './daemon.ts';
import { median, medianRatio, toFigure, toUnmeasured } from './figure.ts';
import type { Bench, BenchRun } from './run.ts';
import { findPostmaster, listServerProcesses } from './server-cpu.ts';

/** Rows of an ordinary export, about 50 kB. */
const EXPORT_ROWS = 200;
const CONNECTIONS = 8;
/** Number of exports on each side in one repetition. */
const EXPORTS = 200;
const BOATS = 4 * CONNECTIONS;

/** The sides of the comparison: how many nodes share the exports, and the cores on which every process runs. */
const SIDES = {
  one_on_one: { nodes: 1, cores: '0' },
  two_on_two: { nodes: 2, cores: '0,1' },
  one_on_two: { nodes: 1, cores: '0,1' },
} as const;
type Side = keyof typeof SIDES;

/**
 * Measures whether a second node and a second core store more exports. Every process is bound to its side's cores: the
 * nodes, their common database and this process, which sends. A machine with two cores has no third one for the client, so the
 * client takes the same share on both sides.
 */
export const benchNodes: Bench = async (run) => {
  if (!hasProgram('taskset', ['-p', String(process.pid)])) {
    run.report(toUnmeasured('nodes.two_on_two_vs_one_on_one', 'x', { atLeast: 1.5 }, 'there is no taskset'));
    return;
  }
  const opened: Central[] = [];
  const open = async (name: string, settings: Readonly<Record<string, string>>): Promise<Central> => {
    const central = await startCentral(join(run.folder, name), run.signal, settings);
    opened.push(central);
    return central;
  };
  try {
    // Only the first one's database is used. Both nodes reach it in the same way.
    const owner = await open('database', MEASURED_SETTINGS);
    const { address } = await borrowEmbeddedPostgres({ dataDir: owner.dataDir, log: SILENT_LOG });
    const url = `postgres://${address.user}@/${address.database}?host=${encodeURIComponent(address.host)}`;
    const settings = { ...MEASURED_SETTINGS, DATABASE_URL: url };
    await measureNodes(run, owner, [await open('first', settings), await open('second', settings)]);
  } finally {
    await bind('0-1', [process.pid], run.signal);
    for (const central of opened.toReversed()) await central.stop();
  }
};

async function measureNodes(run: BenchRun, owner: Central, nodes: readonly Central[]): Promise<void> {
  const db = await openDatabase(owner, 1);
  try {
    const boats = await enrollBoats(db, BOATS);
    const next = createSequences();
    const postmaster = await findPostmaster(db);
    const rates: Readonly<Record<Side, number[]>> = { one_on_one: [], two_on_two: [], one_on_two: [] };
    const pick = (index: number): Boat => boats[index % boats.length] ?? { id: '', token: '' };
    // One round without a measurement warms up both nodes.
    for (let round = 0; round <= run.options.repetitions; round += 1)
      for (const side of ['one_on_one', 'two_on_two', 'one_on_two'] as const) {
        const { nodes: used, cores } = SIDES[side];
        const processes = [process.pid, ...nodes.map(({ pid }) => pid), ...listServerProcesses(postmaster)];
        await bind(cores, processes, run.signal);
        const parts = Array.from({ length: EXPORTS }, (_, index) =>
          toPart(pick(index), toLedgerId(1), next(pick(index)), EXPORT_ROWS),
        );
        const rate = await countPerSecond(
          CONNECTIONS,
          parts.map((part, index) => async () => {
            const node = nodes[index % used];
            if (node !== undefined) requireSuccess(await sendPart(node, part));
          }),
        );
        run.logProgress(`${side}: ${rate.toFixed(0)} exports/s`);
        if (round > 0) rates[side].push(rate);
      }
    reportRatios(run, rates);
  } finally {
    await db.end();
  }
}

function reportRatios({ report }: BenchRun, rates: Readonly<Record<Side, readonly number[]>>): void {
  const rate = (side: Side) => median(rates[side]).toFixed(0);
  const twice = medianRatio(rates.two_on_two, rates.one_on_one);
  const note = `two nodes on two cores ${rate('two_on_two')}, one node on one core ${rate('one_on_one')} exports/s; database and client on the same cores`;
  report(toFigure('nodes.two_on_two_vs_one_on_one', twice, 'x', { atLeast: 1.5 }, note));
  const shared = medianRatio(rates.two_on_two, rates.one_on_two);
  const sharedNote = `one node on the same two cores ${rate('one_on_two')} exports/s`;
  report(toFigure('nodes.two_on_two_vs_one_on_two', shared, 'x', 'orientation', sharedNote));
}

/** Binds every thread of the processes to the given cores. Processes and threads that they start later inherit the binding. */
async function bind(cores: string, pids: readonly number[], signal: AbortSignal): Promise<void> {
  for (const pid of pids)
    await runChild(['taskset', '-acp', cores, String(pid)], { signal }).catch((error: unknown) => {
      // A server process may exit after it has been listed.
      if (existsSync(`/proc/${pid}`)) throw error;
    });
}
