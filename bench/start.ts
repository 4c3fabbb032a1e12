import { join } from 'node:path';
import { makeBoat } from './boat.ts';
import { startDaemon } from './daemon.ts';
import { median, toFigure } from './figure.ts';
import type { Bench } from './run.ts';

const BOATLOG_ROWS = 2_000;
/** Waiting exports that the daemon finds when it starts: a month without a connection. */
const WAITING = 30;
const ROWS_PER_EXPORT = 10;
/** Number of starts for each repetition. A start takes less than a second. */
const STARTS = 10;

/**
 * Measures the time from starting the export manager to the first answer of its API, on a boat whose power was cut: the daemon was
 * killed, and it recovers its ledger and its exports before it listens.
 */
export const benchStart: Bench = async (run) => {
  const boat = makeBoat(join(run.folder, 'boat'), BOATLOG_ROWS);
  const first = await startDaemon(boat, run.signal);
  try {
    for (let index = 0; index < WAITING; index += 1) {
      await first.generate('incremental');
      boat.addRows(ROWS_PER_EXPORT);
    }
  } finally {
    process.kill(first.pid, 'SIGKILL');
    await first.stop();
  }
  const startMs: number[] = [];
  const residentMb: number[] = [];
  for (let index = 0; index < STARTS * run.options.repetitions; index += 1) {
    const beganMs = performance.now();
    const daemon = await startDaemon(boat, run.signal);
    startMs.push(performance.now() - beganMs);
    residentMb.push(daemon.facts().rssMb);
    process.kill(daemon.pid, 'SIGKILL');
    await daemon.stop();
  }
  const note = `median of ${startMs.length} starts after SIGKILL, with ${WAITING} waiting exports; longest ${Math.round(Math.max(...startMs))} ms`;
  run.report(toFigure('start.api', median(startMs), 'ms', { atMost: 500 }, note));
  run.report(toFigure('start.rss', median(residentMb), 'MB', 'orientation', 'when the API first answers'));
};
