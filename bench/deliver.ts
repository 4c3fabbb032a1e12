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

/** The boat of the issue on delivery: a log of 10,000 entries, 100 new ones a day, exported daily for 30 days. */
const LOG_ROWS = 10_000;
const DAY_ROWS = 100;
const DAYS = 30;
/** Exports timed for each repetition. */
const RECEIPTS = 10;
/** How long central is away before it returns, each time: before the first probe and between later ones, which come ever less often. */
const AWAYS_MS = [3_000, 12_000, 30_000] as const;
/** Longest a daemon may take to notice that central is back: the longest backoff, with room. */
const RETURN_MAX_MS = 90_000;
/** Longest one export may take to its receipt on this machine. */
const DELIVERY_MAX_MS = 60_000;
/** After this a daemon whose work is done writes nothing more, and its connections are closed. */
const SETTLED_MS = 8_000;

/** A boat whose daemon delivers over a link that the bench holds. */
interface Setting {
  readonly run: BenchRun;
  readonly boat: BenchBoat;
  readonly daemon: Daemon;
  readonly deliveries: Deliveries;
  readonly link: Link;
  readonly tierRequests: () => number;
}

/** Issue on delivery, 8: from generate to receipt, a link that returns, 30 days, an idle boat. */
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

/** Makes an export and waits for its receipt. Gives the time from the request to the receipt. */
async function deliverOne({ daemon, deliveries }: Setting): Promise<number> {
  const { queueId, beganMs } = await daemon.generate('incremental');
  return (await deliveries.waitFor(queueId, DELIVERY_MAX_MS)) - beganMs;
}

/** 30 daily exports over the wire, against the seed's document of each of these days. */
async function measureWire(setting: Setting): Promise<void> {
  const { run, boat, link } = setting;
  run.say(`${DAYS} daily exports of a log of ${LOG_ROWS} entries, ${DAY_ROWS} new a day, and the seed's`);
  const baseline = findBaseline(run.folder, run.signal);
  const ours: number[] = [];
  const seeds: number[] = [];
  link.takeSentBytes();
  for (let day = 1; day <= DAYS; day += 1) {
    if (day > 1) boat.addRows(DAY_ROWS);
    await deliverOne(setting);
    ours.push(link.takeSentBytes());
    if ('missing' in baseline) continue;
    const output = join(run.folder, 'seed.json');
    seeds.push((await baseline.collect(boat.boatlog, output)).sizeBytes);
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
      `all bytes the boat sends, heads of requests too, for ${DAY_ROWS} new entries; the first export, of all ${LOG_ROWS}: ${((ours[0] ?? 0) / 1000).toFixed(0)} kB`,
    ),
  );
  const bound = { atLeast: 100 } as const;
  const figures = [
    [
      'deliver.wire_30_days_vs_python',
      ours,
      seeds,
      'all 30 days, the first export of the whole log included',
    ],
    ['deliver.wire_later_days_vs_python', later, seeds.slice(1), 'the 29 days after the first'],
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
  run.say('from generate to receipt');
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

/** Central goes and comes back while the boat's interfaces stay as they are: what the probes' backoff makes of it. */
async function measureCentralBack(setting: Setting): Promise<void> {
  const { run, boat, daemon, deliveries, link } = setting;
  const waits: number[] = [];
  for (const awayMs of AWAYS_MS) {
    run.say(`central goes and comes back after ${awayMs / 1000} s`);
    await link.cut();
    boat.addRows(DAY_ROWS);
    const { queueId } = await daemon.generate('incremental');
    await sleep(awayMs, run.signal);
    const { firstByte } = await link.mend();
    const mendedMs = performance.now();
    waits.push((await within(RETURN_MAX_MS, 'the first byte after central came back', firstByte)) - mendedMs);
    await deliveries.waitFor(queueId, DELIVERY_MAX_MS);
  }
  run.report(
    toFigure(
      'deliver.central_back_first_byte',
      Math.max(...waits) / 1000,
      's',
      { atMost: 2 },
      `the longest; interfaces unchanged, central away for ${AWAYS_MS.map((awayMs) => awayMs / 1000).join(', ')} s: only the next probe can tell; each: ${waits.map((wait) => (wait / 1000).toFixed(1)).join(', ')} s`,
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

/** A daemon with nothing to do, from outside: the kernel's counts, and what arrives at everybody it could talk to. */
async function measureIdle(setting: Setting): Promise<void> {
  const { run, daemon, link } = setting;
  const { idleSeconds } = run.options;
  run.say(`an idle daemon, for ${idleSeconds} s`);
  await sleep(SETTLED_MS, run.signal);
  link.takeSentBytes();
  link.takeConnections();
  const tierBefore = setting.tierRequests();
  const before = daemon.facts();
  await sleep(idleSeconds * 1000, run.signal);
  const after = daemon.facts();
  const traffic = link.takeSentBytes() + link.takeConnections() + (setting.tierRequests() - tierBefore);
  const note = `over ${idleSeconds} s, ${DAYS} days' deliveries and more behind it`;
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
      `bytes and connections at central's door, requests at the tier API; ${after.sockets} sockets open, ${before.sockets} before`,
    ),
  );
  run.report(
    toFigure(
      'deliver.idle_cpu',
      (after.cpuMs - before.cpuMs) / idleSeconds / 10,
      '%',
      { atMost: 0.1 },
      'all threads, by schedstat',
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

/** An interface appears, and with it the way to central: measured in a network namespace of its own. */
async function measureLinkBack(run: BenchRun): Promise<void> {
  const figure = 'deliver.link_back_first_byte';
  const bound = { atMost: 2 } as const;
  const namespace = ['unshare', '--user', '--map-root-user', '--net', '--'];
  const [program = '', ...args] = namespace;
  const probe = 'ip link set lo up && ip link add probe0 type veth peer name probe1';
  if (spawnSync(program, [...args, 'sh', '-c', probe], { stdio: 'ignore' }).status !== 0) {
    run.report(toUnmeasured(figure, 's', bound, 'no network namespace with a veth pair can be made here'));
    return;
  }
  const waits: number[] = [];
  for (const awayMs of AWAYS_MS) {
    run.say(`an interface appears after ${awayMs / 1000} s`);
    const root = join(run.folder, `link-back-${awayMs}`);
    const script = join(import.meta.dirname, 'link-back.ts');
    const node = [process.execPath, '--conditions=development', script, root, String(awayMs)];
    const told = await runChild([...namespace, ...node], { signal: run.signal });
    waits.push(numberOf(parseObject(told), 'firstByteMs') / 1000);
  }
  const each = waits.map((wait) => wait.toFixed(2)).join(', ');
  run.report(
    toFigure(
      figure,
      Math.max(...waits),
      's',
      bound,
      `the longest; an interface with an address appears and central listens from then on, ${AWAYS_MS.map((awayMs) => awayMs / 1000).join(', ')} s after the export was made; each: ${each} s`,
    ),
  );
}
