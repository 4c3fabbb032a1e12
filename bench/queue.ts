import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type Baseline, findBaseline } from './baseline.ts';
import { median, medianRatio, toFigure, toUnmeasured } from './figure.ts';
import { measureSyncs } from './queue-syncs.ts';
import { createBareLoop, createLedgerLoop, type QueueLoop } from './queue-loops.ts';
import type { Bench, BenchRun } from './run.ts';

const DEPTH_SHALLOW = 10;
const DEPTH_DEEP = 10_000;
/**
 * Number of cycles that each loop runs per turn. A turn takes a tenth of a second, so both loops of a pair run under the same load.
 */
const TURN_CYCLES = 100;
/** Number of turns that each loop gets per repetition. */
const TURNS = 10;
/** Number of cycles run on the legacy exporter's queue. Each cycle rewrites the complete queue file four times. */
const LEGACY_CYCLES = { shallow: 50, deep: 5 } as const;
/** `f_type` of tmpfs (statfs(2)). A tmpfs is not a disk. */
const TMPFS_MAGIC = 0x01021994;

/** Measures the queue: the rate of durable cycles and the number of fsyncs. */
export const benchQueue: Bench = async (run) => {
  const disk =
    statfsSync(run.folder).type === TMPFS_MAGIC ? 'in memory and not on a disk; use --folder' : 'disk';
  if (disk !== 'disk') run.logProgress(`the folder is ${disk}`);
  await compareCycles(run);
  await measureSyncs(run);
};

/** Alternates between the ledger's loop at two depths, the bare loop and the legacy exporter's queue. */
async function compareCycles(run: BenchRun): Promise<void> {
  run.logProgress(`filling queues to ${DEPTH_SHALLOW} and ${DEPTH_DEEP} entries`);
  const shallow = createLedgerLoop(join(run.folder, 'shallow.db'), DEPTH_SHALLOW);
  const deep = createLedgerLoop(join(run.folder, 'deep.db'), DEPTH_DEEP);
  shallow.turn(TURN_CYCLES);
  const commits = shallow.commits() / TURN_CYCLES;
  const bare = createBareLoop(join(run.folder, 'bare.db'), DEPTH_SHALLOW, Math.round(commits));
  bare.turn(TURN_CYCLES);
  const baseline = findBaseline(run.folder, run.signal);
  const speeds = { shallow: [] as number[], deep: [] as number[], bare: [] as number[] };
  const legacy = { shallow: [] as number[], deep: [] as number[] };
  const { repetitions } = run.options;
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    run.logProgress(`repetition ${repetition} of ${repetitions}: ledger, bare loop, baseline`);
    for (let turn = 0; turn < TURNS; turn += 1) {
      speeds.shallow.push(cyclesPerSecond(shallow));
      speeds.bare.push(cyclesPerSecond(bare));
      speeds.deep.push(cyclesPerSecond(deep));
      run.signal.throwIfAborted();
    }
    if ('missing' in baseline) continue;
    legacy.shallow.push(await baseline.cyclesPerSecond(DEPTH_SHALLOW, LEGACY_CYCLES.shallow));
    legacy.deep.push(await baseline.cyclesPerSecond(DEPTH_DEEP, LEGACY_CYCLES.deep));
  }
  for (const loop of [shallow, deep, bare]) loop.close();
  reportCycles(run, speeds, commits);
  reportLegacy(run, speeds, legacy, baseline);
}

function cyclesPerSecond(loop: QueueLoop): number {
  const began = performance.now();
  loop.turn(TURN_CYCLES);
  return (TURN_CYCLES * 1000) / (performance.now() - began);
}

type Speeds = Readonly<Record<'shallow' | 'deep' | 'bare', readonly number[]>>;

function reportCycles(run: BenchRun, speeds: Speeds, commits: number): void {
  const shallow = median(speeds.shallow);
  const turns = `median of ${speeds.shallow.length} pairs of turns of ${TURN_CYCLES} cycles`;
  run.report(
    toFigure(
      'queue.cycles_vs_bare',
      medianRatio(speeds.shallow, speeds.bare),
      'x',
      { atLeast: 0.5 },
      `enqueue, claim, complete compared with a bare node:sqlite loop that also has ${Math.round(commits)} commits a cycle; ${turns}`,
    ),
  );
  run.report(
    toFigure(
      'queue.depth_deep_vs_shallow',
      medianRatio(speeds.deep, speeds.shallow),
      'x',
      { atLeast: 0.8 },
      `${DEPTH_DEEP} against ${DEPTH_SHALLOW} entries`,
    ),
  );
  run.report(
    toFigure('queue.cycles_shallow', shallow, 'cycles/s', 'orientation', `${DEPTH_SHALLOW} entries wait`),
  );
  run.report(
    toFigure(
      'queue.cycles_deep',
      median(speeds.deep),
      'cycles/s',
      'orientation',
      `${DEPTH_DEEP} entries wait`,
    ),
  );
  run.report(
    toFigure('queue.commits_per_cycle', commits, 'commits', 'orientation', 'counted by the ledger observer'),
  );
}

function reportLegacy(
  run: BenchRun,
  speeds: Speeds,
  legacy: Readonly<Record<'shallow' | 'deep', readonly number[]>>,
  baseline: Baseline | { readonly missing: string },
): void {
  for (const depth of ['shallow', 'deep'] as const) {
    const figure = `queue.cycles_vs_python_${depth}`;
    if ('missing' in baseline) run.report(toUnmeasured(figure, 'x', 'orientation', baseline.missing));
    else {
      const theirs = median(legacy[depth]);
      const note = `the legacy exporter's queue, which never fsyncs: ${theirs} cycles/s`;
      run.report(toFigure(figure, median(speeds[depth]) / theirs, 'x', 'orientation', note));
    }
  }
}
