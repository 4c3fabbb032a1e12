import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { startTierApi } from '../scripts/start/tier-api.ts';
import { findBaseline } from './baseline.ts';
import { type BenchBoat, makeBoat } from './boat.ts';
import { numberOf, parseObject, runChild, sleep } from './child.ts';
import { type Daemon, type Deliveries, startCentral, startDaemon, watchDeliveries } from './daemon.ts';
import { median, quantile, toFigure, toUnmeasured } from './figure.ts';
import { type Link, startLink } from './link.ts';
import type { Bench, BenchRun } from './run.ts';

/** The boat has a log of 10,000 entries, adds 100 entries a day, and exports daily for 30 days. */
const LOG_ROWS = 10_000;
const DAY_ROWS = 100;
const DAYS = 30;
/** Number of timed exports per repetition. */
const RECEIPTS = 10;
/** Durations of central's outages. Each ends within the first two minutes, during which the boat probes central every 2 s. */
const AWAYS_MS = [3_000, 30_000, 100_000] as const;
/** Time within which the daemon must detect that central is back: the longest backoff plus a margin. */
const RETURN_MAX_MS = 90_000;
/** Timeout for an export's receipt. */
const DELIVERY_MAX_MS = 60_000;
/** Time that a daemon without work needs to finish its writes and close its connections. */
const SETTLED_MS = 8_000;

/** A boat whose daemon delivers over a link that the benchmark controls. */
interface Setting {
  readonly run: BenchRun;
  readonly boat: BenchBoat;
  readonly daemon: Daemon;
  readonly deliveries: Deliveries;
  readonly link: Link;
  readonly tierRequests: () => number;
}

/** Measures delivery: time to the receipt, recovery after a link failure, bytes sent in 30 days, and an idle boat. */
export const benchDeliver: Bench = async (run) => {
  const { signal } = run;
  const boat = makeBoat(join(run.folder, 'boat'), LOG_ROWS);
  let tierRequests = 0;
  const tierApi = await startTierApi(0, boat.installationId, 2);
  tierApi.on('request', () => {
    tierRequests += 1;
  });
  try {
    const central = await startCentral(join(run.folder, 'central'), signal);
    try {
      boat.setToken(await central.enroll(boat.installationId));
      const link = await startLink(central.port);
      try {
        const links = {
          centralUrl: `http://127.0.0.1:${link.port}`,
          tierApiUrl: `http://127.0.0.1:${toPort(tierApi)}`,
        };
        const daemon = await startDaemon(boat, signal, links);
        try {
          const deliveries = await watchDeliveries(daemon, signal);
          await measure({ run, boat, daemon, deliveries, link, tierRequests: () => tierRequests });
        } finally {
          await daemon.stop();
        }
      } finally {
        await link.close();
      }
    } finally {
      await central.stop();
    }
  } finally {
    tierApi.closeAllConnections();
    tierApi.close();
  }
  await measureLinkBack(run);
};

async function measure(setting: Setting): Promise<void> {
  await measureWire(setting);
  await measureReceipts(setting);
  await measureCentralBack(setting);
  setting.deliveries.close();
  await measureIdle(setting);
}

function toPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTP server has a port');
  return address.port;
}

/** Creates an export and waits for its receipt. Returns the time from the request to the receipt. */
async function deliverOne({ daemon, deliveries }: Setting): Promise<number> {
  const { queueId, beganMs } = await daemon.generate('incremental');
  return (await deliveries.waitFor(queueId, DELIVERY_MAX_MS)) - beganMs;
}

/** Measures the bytes of 30 daily exports and compares them with the legacy exporter's documents. */
async function measureWire(setting: Setting): Promise<void> {
  const { run, boat, link } = setting;
  run.logProgress(
    `${DAYS} daily exports of a log of ${LOG_ROWS} entries with ${DAY_ROWS} new ones a day, and the baseline`,
  );
  const baseline = findBaseline(run.folder, run.signal);
  const ours: number[] = [];
  const baselines: number[] = [];
  link.takeSentBytes();
  for (let day = 1; day <= DAYS; day += 1) {
    if (day > 1) boat.addRows(DAY_ROWS);
    await deliverOne(setting);
    ours.push(link.takeSentBytes());
    if ('missing' in baseline) continue;
    const output = join(run.folder, 'baseline.json');
    baselines.push((await baseline.collect(boat.boatlog, output)).sizeBytes);
    rmSync(output);
  }
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const later = ours.slice(1);
  run.report(
    toFigure(
      'deliver.wire_day',
      median(later) / 1000,
      'kB',
      'orientation',
      `all bytes sent, including request headers, for ${DAY_ROWS} new entries; the first export with all ${LOG_ROWS}: ${((ours[0] ?? 0) / 1000).toFixed(0)} kB`,
    ),
  );
  const bound = { atLeast: 100 } as const;
  const figures = [
    [
      'deliver.wire_30_days_vs_python',
      ours,
      baselines,
      'all 30 days, including the first export of the whole log',
    ],
    ['deliver.wire_later_days_vs_python', later, baselines.slice(1), 'the 29 days after the first'],
  ] as const;
  for (const [figure, mine, theirs, what] of figures) {
    const megabytes = `${(sum(mine) / 1e6).toFixed(2)} MB against ${(sum(theirs) / 1e6).toFixed(1)} MB`;
    run.report(
      'missing' in baseline
        ? toUnmeasured(figure, 'x', bound, baseline.missing)
        : toFigure(figure, sum(theirs) / sum(mine), 'x', bound, `${what}: ${megabytes}`),
    );
  }
}

async function measureReceipts(setting: Setting): Promise<void> {
  const { run, boat } = setting;
  run.logProgress('time from request to receipt');
  const times: number[] = [];
  for (let made = 0; made < RECEIPTS * run.options.repetitions; made += 1) {
    boat.addRows(DAY_ROWS);
    times.push(await deliverOne(setting));
  }
  run.report(
    toFigure(
      'deliver.generate_to_receipt_p50',
      median(times),
      'ms',
      { atMost: 100 },
      `${times.length} incremental exports of ${DAY_ROWS} entries; p90 ${quantile(times, 0.9).toFixed(0)} ms, longest ${Math.max(...times).toFixed(0)} ms`,
    ),
  );
}

/**
 * Measures how soon a probe detects that central is back: central becomes unreachable and returns while the boat's interfaces do
 * not change.
 */
async function measureCentralBack(setting: Setting): Promise<void> {
  const { run, boat, daemon, deliveries, link } = setting;
  const waits: number[] = [];
  for (const awayMs of AWAYS_MS) {
    run.logProgress(`central is unavailable for ${awayMs / 1000} s`);
    await link.cut();
    boat.addRows(DAY_ROWS);
    const { queueId } = await daemon.generate('incremental');
    await sleep(awayMs, run.signal);
    const { firstByte } = await link.restore();
    const restoredMs = performance.now();
    waits.push(
      (await within(RETURN_MAX_MS, 'the first byte after central came back', firstByte)) - restoredMs,
    );
    await deliveries.waitFor(queueId, DELIVERY_MAX_MS);
  }
  run.report(
    toFigure(
      'deliver.central_back_first_byte',
      Math.max(...waits) / 1000,
      's',
      { atMost: 2.5 },
      `longest wait after central was away for ${AWAYS_MS.map((awayMs) => awayMs / 1000).join(', ')} s with unchanged interfaces; each: ${waits.map((wait) => (wait / 1000).toFixed(1)).join(', ')} s`,
    ),
  );
}

async function within<T>(maxMs: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} took longer than ${maxMs / 1000} s`)), maxMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Measures an idle daemon from outside: the kernel's counters, and the traffic at central and the tier service. */
async function measureIdle(setting: Setting): Promise<void> {
  const { run, daemon, link } = setting;
  const { idleSeconds } = run.options;
  run.logProgress(`an idle daemon for ${idleSeconds} s`);
  await sleep(SETTLED_MS, run.signal);
  link.takeSentBytes();
  link.takeConnections();
  const tierBefore = setting.tierRequests();
  const before = daemon.facts();
  await sleep(idleSeconds * 1000, run.signal);
  const after = daemon.facts();
  const traffic = link.takeSentBytes() + link.takeConnections() + (setting.tierRequests() - tierBefore);
  const note = `over ${idleSeconds} s, after more than ${DAYS} deliveries`;
  run.report(
    toFigure(
      'deliver.idle_disk_writes',
      after.writtenBytes - before.writtenBytes,
      'B',
      { atMost: 0 },
      `write_bytes of the process; ${note}`,
    ),
  );
  run.report(
    toFigure(
      'deliver.idle_traffic',
      traffic,
      'events',
      { atMost: 0 },
      `bytes and connections at central, and requests at the tier service; ${after.sockets} sockets open, ${before.sockets} before`,
    ),
  );
  run.report(
    toFigure(
      'deliver.idle_cpu',
      (after.cpuMs - before.cpuMs) / idleSeconds / 10,
      '%',
      { atMost: 0.1 },
      'all threads, from schedstat',
    ),
  );
  run.report(
    toFigure(
      'deliver.idle_rss',
      after.rssMb,
      'MB',
      { atMost: 90 },
      `VmRSS; peak ${after.peakRssMb.toFixed(0)} MB`,
    ),
  );
}

/** Measures, in a separate network namespace, how soon the daemon uses a new interface. */
async function measureLinkBack(run: BenchRun): Promise<void> {
  const figure = 'deliver.link_back_first_byte';
  const bound = { atMost: 2 } as const;
  const namespace = ['unshare', '--user', '--map-root-user', '--net', '--'];
  const [program = '', ...args] = namespace;
  const probe = 'ip link set lo up && ip link add probe0 type veth peer name probe1';
  if (spawnSync(program, [...args, 'sh', '-c', probe], { stdio: 'ignore' }).status !== 0) {
    run.report(
      toUnmeasured(figure, 's', bound, 'this machine does not allow a network namespace with a veth pair'),
    );
    return;
  }
  const waits: number[] = [];
  for (const awayMs of AWAYS_MS) {
    run.logProgress(`an interface appears after ${awayMs / 1000} s`);
    const root = join(run.folder, `link-back-${awayMs}`);
    const script = join(import.meta.dirname, 'link-back.ts');
    const node = [process.execPath, '--conditions=development', script, root, String(awayMs)];
    const reply = await runChild([...namespace, ...node], { signal: run.signal });
    waits.push(numberOf(parseObject(reply), 'firstByteMs') / 1000);
  }
  const each = waits.map((wait) => wait.toFixed(2)).join(', ');
  run.report(
    toFigure(
      figure,
      Math.max(...waits),
      's',
      bound,
      `longest wait after an interface appears and central starts to listen, ${AWAYS_MS.map((awayMs) => awayMs / 1000).join(', ')} s after the export was created; each: ${each} s`,
    ),
  );
}
