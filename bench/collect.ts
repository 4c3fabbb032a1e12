import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeIssues } from '../packages/sim/src/fixture/alerts.ts';
import { identifyCapture, writeCaptures } from '../packages/sim/src/fixture/captures.ts';
import { type Baseline, findBaseline } from './baseline.ts';
import { type BenchBoat, makeBoat } from './boat.ts';
import { hasProgram, numberOf, parseObject, runChild, sleep, stopChild } from './child.ts';
import { type Daemon, type Generated, startDaemon } from './daemon.ts';
import { median, medianRatio, quantile, toFigure, toUnmeasured } from './figure.ts';
import { type LoopDelay, LOOP_RESOLUTION_MS } from './loop-delay.ts';
import type { Bench, BenchRun } from './run.ts';

/** Number of rows on the small boat in the memory comparison. */
const RSS_SMALL_ROWS = 10_000;
/** Number of slow-path rows, enough for garbage collection to reach its steady state within seconds. */
const RSS_MIXED_ROWS = 100_000;
/** Number of rows on the small boat in the comparison of incremental exports. */
const INCREMENTAL_SMALL_ROWS = 1_000;
/** Number of alerts on the boat that exports state records. Each alert has a digest in the ledger. */
const ALERTS = 300_000;
/** Number of captures on the boat whose catches are identified later. Each capture has a digest in the ledger. */
const CAPTURES = 100_000;
/** Number of pairs of exports, without and with an identified capture, per repetition. Each export reads every capture. */
const IDENTIFIED_ROUNDS = 3;
/** Number of new rows in an incremental export. */
const NEW_ROWS = 100;
/** Number of incremental exports per boat and repetition. Each takes milliseconds. */
const INCREMENTAL_ROUNDS = 5;
/** Duration of the writer's run without an export, which measures the insert cost on this disk. */
const WRITER_ALONE_MS = 2_000;

/** Measures collection: speed, memory, event loop delay and the effect on programs that write to the source. */
export const benchCollect: Bench = async (run) => {
  const { rows } = run.options;
  run.logProgress(`writing a boat with ${rows} boatlog entries`);
  const large = makeBoat(join(run.folder, 'large'), rows);
  await compareSpeed(run, large);
  await measureMemory(run);
  await measureState(run);
  await compareIncremental(run, large);
  await compareIdentified(run);
  // The writer is measured last, because its entries stay in the log.
  await measureWriter(run, large);
};

/** The measurements of one full export. */
interface FullExport {
  readonly rowsPerSecond: number;
  readonly peakRssMb: number;
  readonly loop: LoopDelay;
}

/** Runs one full export with a newly started daemon and removes its files afterwards. */
async function exportFully(run: BenchRun, boat: BenchBoat): Promise<FullExport> {
  return withDaemon(run, boat, async (daemon) => {
    daemon.startLoopDelay();
    const made = await daemon.generate('full');
    const loop = await daemon.stopLoopDelay();
    return { rowsPerSecond: made.records / made.seconds, peakRssMb: daemon.facts().peakRssMb, loop };
  });
}

/** Runs `work` with a daemon that has never exported, and restores the boat afterwards. */
async function withDaemon<T>(
  run: BenchRun,
  boat: BenchBoat,
  work: (daemon: Daemon) => Promise<T>,
): Promise<T> {
  const daemon = await startDaemon(boat, run.signal);
  try {
    return await work(daemon);
  } finally {
    await daemon.stop();
    removeExports(boat);
  }
}

function removeExports({ root }: BenchBoat): void {
  for (const name of readdirSync(join(root, 'data')))
    if (name.includes('export')) rmSync(join(root, 'data', name), { recursive: true, force: true });
}

/** Returns the rows per second of `sqlite3 -json`, or of a JSON query in node:sqlite if that program is missing. */
async function runLimit(run: BenchRun, boat: BenchBoat, program: 'sqlite3' | 'node'): Promise<number> {
  const outputFile = join(run.folder, 'limit.json');
  const began = performance.now();
  if (program === 'sqlite3') {
    const query = 'SELECT * FROM boatlog_entries ORDER BY rowid';
    await runChild(['sqlite3', '-json', '-readonly', boat.boatlog, query], {
      signal: run.signal,
      outputFile,
    });
  } else {
    const script = join(import.meta.dirname, 'sqlite-json.ts');
    await runChild([process.execPath, script, boat.boatlog, outputFile], { signal: run.signal });
  }
  const seconds = (performance.now() - began) / 1000;
  rmSync(outputFile);
  return run.options.rows / seconds;
}

/** Measures this program, the legacy exporter and SQLite alternately on the same database. */
async function compareSpeed(run: BenchRun, boat: BenchBoat): Promise<void> {
  const { rows, repetitions } = run.options;
  const baseline = findBaseline(run.folder, run.signal);
  const program = hasProgram('sqlite3') ? 'sqlite3' : 'node';
  const ours: FullExport[] = [];
  const limits: number[] = [];
  const baselines: Awaited<ReturnType<Baseline['collect']>>[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    run.logProgress(`repetition ${repetition} of ${repetitions}: daemon, SQLite limit, baseline`);
    ours.push(await exportFully(run, boat));
    limits.push(await runLimit(run, boat, program));
    if ('missing' in baseline) continue;
    const output = join(run.folder, 'baseline.json');
    baselines.push(await baseline.collect(boat.boatlog, output));
    rmSync(output);
  }
  const speed = median(ours.map((one) => one.rowsPerSecond));
  const each = (values: readonly number[]): string =>
    values.map((value) => Math.round(value / 1000)).join(', ');
  const speeds = ours.map((one) => one.rowsPerSecond);
  run.report(
    toFigure(
      'collect.rows_per_second',
      speed,
      'rows/s',
      'orientation',
      `${rows} rows from request to answer, with a fresh daemon each time; thousands of rows/s in each run: ${each(speeds)}`,
    ),
  );
  if ('missing' in baseline)
    run.report(toUnmeasured('collect.rows_vs_python', 'x', { atLeast: 6 }, baseline.missing));
  else {
    const python = baselines.map((one) => one.rowsPerSecond);
    const note = `thousands of rows/s in each run: ${each(python)}; peak RSS ${Math.max(...baselines.map((one) => one.peakRssMb))} MB`;
    run.report(toFigure('collect.rows_vs_python', medianRatio(speeds, python), 'x', { atLeast: 6 }, note));
  }
  run.report(
    toFigure(
      'collect.rows_vs_sqlite_json',
      medianRatio(speeds, limits),
      'x',
      { atLeast: 0.8 },
      `${program === 'sqlite3' ? 'sqlite3 -json' : 'sqlite3 not installed: JSON query in node:sqlite'}, without fsync; thousands of rows/s in each run: ${each(limits)}`,
    ),
  );
  const rss = Math.max(...ours.map((one) => one.peakRssMb));
  run.report(toFigure('collect.peak_rss_large', rss, 'MB', { atMost: 150 }, `VmHWM, ${rows} rows`));
  reportLoop(
    run,
    'collect.loop_delay_p99',
    ours.map((one) => one.loop),
  );
}

function reportLoop(run: BenchRun, figure: string, loops: readonly LoopDelay[]): void {
  const max = Math.max(...loops.map((loop) => loop.maxMs));
  run.report(
    toFigure(
      figure,
      median(loops.map((loop) => loop.p99Ms)),
      'ms',
      { atMost: 50 },
      `includes the sampling interval of ${LOOP_RESOLUTION_MS} ms; longest ${max.toFixed(1)} ms`,
    ),
  );
}

/** Measures peak memory with few rows, and with rows that all take the slow path. */
async function measureMemory(run: BenchRun): Promise<void> {
  for (const [name, style, most] of [
    ['small', 'integer', RSS_SMALL_ROWS],
    ['mixed', 'mixed', RSS_MIXED_ROWS],
  ] as const) {
    const rows = Math.min(most, run.options.rows);
    const { peakRssMb } = await exportFully(run, makeBoat(join(run.folder, name), rows, style));
    run.report(
      toFigure(
        `collect.peak_rss_${name}`,
        peakRssMb,
        'MB',
        { atMost: 150 },
        `VmHWM, ${rows} rows, ${style} ids`,
      ),
    );
  }
}

/** Measures one full export of many new alerts. */
async function measureState(run: BenchRun): Promise<void> {
  const rows = Math.min(ALERTS, run.options.rows);
  run.logProgress(`a full export of ${rows} alerts`);
  const boat = makeBoat(join(run.folder, 'alerts'), 0);
  writeIssues(join(boat.root, 'data', 'self-healing', 'issues.db'), { variant: 'id', rows, seed: 1 });
  const { peakRssMb, rowsPerSecond, loop } = await exportFully(run, boat);
  const note = `VmHWM, ${rows} alerts; ${Math.round(rowsPerSecond / 1000)} thousand a second`;
  run.report(toFigure('collect.state_peak_rss', peakRssMb, 'MB', { atMost: 150 }, note));
  reportLoop(run, 'collect.state_loop_delay_p99', [loop]);
}

/** The report from the program that inserts into the source. */
interface WriterReport {
  readonly inserts: number;
  readonly busy: number;
  readonly walPeakBytes: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Starts a program that inserts into the boat's log until `stop`. */
async function startWriter(
  run: BenchRun,
  boat: BenchBoat,
): Promise<{ stop(): Promise<WriterReport>; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'source-writer.ts'), boat.boatlog], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    signal: run.signal,
  });
  const nextMessage = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)));
    });
  await nextMessage();
  return {
    stop: async () => {
      const reply = nextMessage();
      child.send('stop');
      const report = parseObject(JSON.stringify(await reply));
      return {
        inserts: numberOf(report, 'inserts'),
        busy: numberOf(report, 'busy'),
        walPeakBytes: numberOf(report, 'walPeakBytes'),
        p99Ms: numberOf(report, 'p99Ms'),
        maxMs: numberOf(report, 'maxMs'),
      };
    },
    kill: () => stopChild(child),
  };
}

/** Measures how an export and another program that writes to the log affect each other. */
async function measureWriter(run: BenchRun, boat: BenchBoat): Promise<void> {
  run.logProgress('a source writer, alone and then during an export');
  const alone = await withWriter(run, boat, () => sleep(WRITER_ALONE_MS, run.signal));
  const loops: LoopDelay[] = [];
  const during = await withDaemon(run, boat, (daemon) =>
    withWriter(run, boat, async () => {
      daemon.startLoopDelay();
      await daemon.generate('full');
      loops.push(await daemon.stopLoopDelay());
    }),
  );
  const beside = `${during.inserts} inserts, each in its own commit, without a busy timeout`;
  run.report(toFigure('collect.writer_lock_waits', during.busy, 'times', { atMost: 0 }, beside));
  run.report(
    toFigure(
      'collect.writer_wal_peak',
      during.walPeakBytes / 1e6,
      'MB',
      { atMost: 8 },
      `alone ${(alone.walPeakBytes / 1e6).toFixed(1)} MB`,
    ),
  );
  run.report(
    toFigure(
      'collect.writer_insert_p99',
      during.p99Ms,
      'ms',
      'orientation',
      `alone ${alone.p99Ms.toFixed(2)} ms; longest ${during.maxMs.toFixed(1)} ms, alone ${alone.maxMs.toFixed(1)} ms`,
    ),
  );
  reportLoop(run, 'collect.loop_delay_p99_with_writer', loops);
}

async function withWriter(run: BenchRun, boat: BenchBoat, work: () => Promise<void>): Promise<WriterReport> {
  const writer = await startWriter(run, boat);
  try {
    await work();
    return await writer.stop();
  } finally {
    await writer.kill();
  }
}

/** Exports the same few new rows alternately on the large boat and on a small one. */
async function compareIncremental(run: BenchRun, large: BenchBoat): Promise<void> {
  run.logProgress(`incremental exports of ${NEW_ROWS} new rows, on the large boat and on a small one`);
  const small = makeBoat(join(run.folder, 'little'), INCREMENTAL_SMALL_ROWS);
  const times = { large: [] as number[], small: [] as number[] };
  await withDaemon(run, large, (ofLarge) =>
    withDaemon(run, small, async (ofSmall) => {
      await ofLarge.generate('full');
      await ofSmall.generate('full');
      for (let round = 0; round < run.options.repetitions * INCREMENTAL_ROUNDS; round += 1) {
        times.large.push((await addAndExport(large, ofLarge)).seconds * 1000);
        times.small.push((await addAndExport(small, ofSmall)).seconds * 1000);
      }
    }),
  );
  const note = `medians of ${times.large.length}: ${median(times.large).toFixed(1)} ms and ${median(times.small).toFixed(1)} ms; p90 ${quantile(times.large, 0.9).toFixed(1)} and ${quantile(times.small, 0.9).toFixed(1)} ms`;
  const ratio = median(times.large) / median(times.small);
  run.report(toFigure('collect.incremental_large_vs_small', ratio, 'x', { atMost: 3 }, note));
}

/** Exports new boatlog rows, alternately without and with a capture that was identified since its last export. */
async function compareIdentified(run: BenchRun): Promise<void> {
  const rows = Math.min(CAPTURES, run.options.rows);
  run.logProgress(`incremental exports without and with one of ${rows} captures identified later`);
  const boat = makeBoat(join(run.folder, 'captures'), 0);
  const captures = join(boat.root, 'data', 'marine-vision', 'captures.db');
  writeCaptures(captures, { generation: 'gen3', rows, seed: 1 });
  const times = { without: [] as number[], identified: [] as number[] };
  await withDaemon(run, boat, async (daemon) => {
    await daemon.generate('full');
    for (let round = 0; round < run.options.repetitions * IDENTIFIED_ROUNDS; round += 1) {
      times.without.push((await addAndExport(boat, daemon)).seconds * 1000);
      identifyCapture(captures, 1 + round, `species ${round}`);
      const made = await addAndExport(boat, daemon);
      if (made.records <= NEW_ROWS) throw new Error('the identified capture was not exported');
      times.identified.push(made.seconds * 1000);
    }
  });
  const [without, identified] = [median(times.without), median(times.identified)];
  const note = `${rows} captures; medians of ${times.without.length}: ${without.toFixed(1)} ms and ${identified.toFixed(1)} ms`;
  run.report(
    toFigure('collect.incremental_identified_vs_without', identified / without, 'x', { atMost: 3 }, note),
  );
}

async function addAndExport(boat: BenchBoat, daemon: Daemon): Promise<Generated> {
  boat.addRows(NEW_ROWS);
  const made = await daemon.generate('incremental');
  if (made.records < NEW_ROWS) throw new Error(`expected ${NEW_ROWS} exported rows, got ${made.records}`);
  return made;
}
