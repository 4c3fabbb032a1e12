import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BenchBoat, makeBoat } from './boat.ts';
import { sleep, waitUntil } from './child.ts';
import { canTrace, type Daemon, startCentral, startDaemon, watchDeliveries } from './daemon.ts';
import { toFigure, toUnmeasured } from './figure.ts';
import type { BenchRun } from './run.ts';

/** Number of consecutive exports in the first count, and number of separate exports in the second. */
const EXPORTS = { inARow: 20, alone: 5 } as const;
const NEW_ROWS = 10;
/** Timeout for a small export's receipt. */
const DELIVERY_MAX_MS = 30_000;
/** Time until the JSON views are up to date: they are written at most once a second. */
const VIEWS_SETTLED_MS = 2_500;
/** Number of fsyncs for the export file: one for its content and one for its folder. */
const SPOOL_SYNCS = 2;

/** Counts the fsync and fdatasync calls of a real daemon that delivers to a real central, by file. */
export async function measureSyncs(run: BenchRun): Promise<void> {
  const bound = { atMost: 4 } as const;
  if (!canTrace()) {
    const why = 'strace is not installed or not permitted to trace';
    run.report(toUnmeasured('queue.fsyncs_per_export', 'fsyncs', bound, why));
    run.report(toUnmeasured('queue.fsyncs_per_lone_export', 'fsyncs', bound, why));
    return;
  }
  run.logProgress('counting fsyncs of a daemon that delivers to central');
  const boat = makeBoat(join(run.folder, 'boat'), 100);
  const central = await startCentral(join(run.folder, 'central'), run.signal);
  try {
    boat.setToken(await central.enroll(boat.installationId));
    const centralUrl = `http://127.0.0.1:${central.port}`;
    const daemon = await startDaemon(boat, run.signal, { centralUrl });
    try {
      await countBoth(run, boat, daemon);
    } finally {
      await daemon.stop();
    }
  } finally {
    await central.stop();
  }
}

async function countBoth(run: BenchRun, boat: BenchBoat, daemon: Daemon): Promise<void> {
  const deliveries = await watchDeliveries(daemon, run.signal);
  const deliver = async (): Promise<void> => {
    boat.addRows(NEW_ROWS);
    const { queueId } = await daemon.generate('incremental');
    await deliveries.waitFor(queueId, DELIVERY_MAX_MS);
  };
  try {
    await deliver();
    await sleep(VIEWS_SETTLED_MS, run.signal);
    const inARow = await countSyncs(run, daemon, async () => {
      for (let made = 0; made < EXPORTS.inARow; made += 1) await deliver();
      await sleep(VIEWS_SETTLED_MS, run.signal);
    });
    reportSyncs(run, 'queue.fsyncs_per_export', inARow, EXPORTS.inARow, 'exports in a row');
    const alone = await countSyncs(run, daemon, async () => {
      for (let made = 0; made < EXPORTS.alone; made += 1) {
        await deliver();
        await sleep(VIEWS_SETTLED_MS, run.signal);
      }
    });
    reportSyncs(run, 'queue.fsyncs_per_lone_export', alone, EXPORTS.alone, 'exports seconds apart');
  } finally {
    deliveries.close();
  }
}

function reportSyncs(
  run: BenchRun,
  figure: string,
  syncs: ReadonlyMap<string, number>,
  exports: number,
  how: string,
): void {
  const all = [...syncs.values()].reduce((sum, count) => sum + count, 0);
  const each = [...syncs]
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, count]) => `${what} ${Number((count / exports).toFixed(2))}`);
  const note = `strace; ${exports} ${how}; each, with the ${SPOOL_SYNCS} of the export file itself: ${each.join(', ')}`;
  run.report(toFigure(figure, all / exports - SPOOL_SYNCS, 'fsyncs', { atMost: 4 }, note));
}

/** Counts the daemon's fsyncs during `work`, by kind of file. */
async function countSyncs(
  run: BenchRun,
  daemon: Daemon,
  work: () => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const trace = join(run.folder, 'syncs.txt');
  const tracer = spawn(
    'strace',
    ['-f', '-y', '-e', 'trace=fsync,fdatasync', '-o', trace, '-p', String(daemon.pid)],
    { stdio: ['ignore', 'ignore', 'pipe'], signal: run.signal },
  );
  let messages = '';
  tracer.stderr.on('data', (chunk: Buffer) => {
    messages += chunk.toString('utf8');
  });
  const ended = new Promise<void>((resolve) => {
    tracer.once('exit', () => resolve());
    tracer.once('error', () => resolve());
  });
  try {
    await waitUntil('strace', DELIVERY_MAX_MS, run.signal, () => messages.includes('attached'));
    await work();
  } finally {
    // SIGINT detaches strace, and the daemon continues.
    tracer.kill('SIGINT');
    await ended;
  }
  const counts = new Map<string, number>();
  for (const [, path = ''] of readFileSync(trace, 'utf8').matchAll(/f(?:data)?sync\(\d+<([^>]*)>/g)) {
    const what = toWhat(path);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

/** Returns what kind of file or folder a synced path is. A folder is synced after its entries have changed. */
function toWhat(path: string): string {
  const name = basename(path.replace(/ \(deleted\)$/, ''));
  if (name.startsWith('exports.db')) return name;
  if (name.includes('export_queue.json') || name.includes('export_history.json')) return 'views';
  if (/export_\d/.test(name)) return 'export file';
  return `folder ${basename(join(path, '..'))}/${name}`;
}
