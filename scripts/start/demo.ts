import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCentralFailure, openStore, SILENT_LOG } from '@d3kos/central';
import { CATEGORIES, type Category, isCategory } from '@d3kos/protocol';
import { addRecords, writeBoat } from '../../packages/sim/src/fixture/index.ts';
import { isPortFree, type Program, runJson, startProgram } from './processes.ts';
import { startTierApi } from './tier-api.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEMO = join(ROOT, '.demo');
const BOAT = join(DEMO, 'boat');
const CENTRAL_DATA = join(DEMO, 'central');
const INSTALLATION = '0123456789abcdef';
const OPERATOR_TOKEN = 'operator-of-the-demo';
/** Number of boatlog entries on the sample boat. The other categories grow in proportion. */
const BOAT_ROWS = 5_000;
const ADDED_ROWS = 200;
/** Timeout for delivering one export of the sample boat. On an idle machine a delivery takes 3 s. */
const DELIVERY_MAX_MS = 120_000;

/** The exit code that shells use for a program ended by Ctrl-C. */
const INTERRUPTED = 130;

interface Port {
  readonly name: string;
  readonly variable: string;
  readonly number: number;
}
const toPort = (name: string, variable: string, fallback: number): Port => ({
  name,
  variable,
  number: parsePort(variable, process.env[variable] ?? String(fallback)),
});
function parsePort(variable: string, text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  console.error(`${variable} is "${text}". Set it to a port from 1 to 65535.`);
  process.exit(2);
}
const PORTS = {
  tier: toPort('the tier API stand-in', 'DEMO_TIER_PORT', 8093),
  boat: toPort('the export manager', 'DEMO_BOAT_PORT', 8094),
  central: toPort('central', 'DEMO_CENTRAL_PORT', 8095),
} as const;
const boatUrl = `http://127.0.0.1:${PORTS.boat.number}`;
const centralUrl = `http://127.0.0.1:${PORTS.central.number}`;
const boatEnvironment = {
  D3KOS_ROOT: BOAT,
  EXPORT_PORT: String(PORTS.boat.number),
  TIER_API_URL: `http://127.0.0.1:${PORTS.tier.number}`,
  CENTRAL_API_URL: centralUrl,
  EXPORT_RECORDINGS_PATH: join(BOAT, 'camera-recordings'),
};
const centralEnvironment = {
  CENTRAL_PORT: String(PORTS.central.number),
  CENTRAL_DATA_DIR: CENTRAL_DATA,
  CENTRAL_OPERATOR_TOKEN: OPERATOR_TOKEN,
};
const bin = (name: string): string => join(ROOT, 'node_modules', '.bin', name);
const boatCommand = (...args: readonly string[]): readonly string[] => [
  bin('node'),
  bin('d3kos-export'),
  ...args,
];
const centralCommand = (...args: readonly string[]): readonly string[] => [
  bin('node'),
  bin('d3kos-central'),
  ...args,
];

type Counts = Readonly<Record<Category, number>>;

/** One export's result, counted in three independent ways. */
interface Round {
  readonly title: string;
  readonly collected: Counts;
  readonly delivered: Counts;
  /** Number of rows at central after the export, counted by SQL. */
  readonly stored: Counts;
  /** Number of rows that SQL must count at central after the export. */
  readonly expected: Counts;
  readonly fileSizeBytes: number;
  readonly wireSizeBytes: number;
  readonly seconds: number;
}

/**
 * Creates two exports, delivers them and prints the counts. Keeps running until aborted unless `isOnce`. Resolves to the exit
 * code.
 */
export async function startDemo(options: {
  readonly isOnce: boolean;
  readonly signal: AbortSignal;
}): Promise<number> {
  const taken = await findTakenPort();
  if (taken !== undefined) return reportTakenPort(taken);
  // From here on, this process holds the port. If two demonstrations start at the same time, one of them exits before either
  // creates its sample boat.
  const tierApi = await startTierApi(PORTS.tier.number, INSTALLATION, 2).catch(unlessTaken);
  if (tierApi === undefined) return reportTakenPort(PORTS.tier);
  const programs: Program[] = [];
  try {
    const made = await prepareBoat();
    report('starting central on its embedded PostgreSQL');
    programs.push(
      await startProgram('central', centralCommand('serve'), centralEnvironment, () =>
        answers(`${centralUrl}/api/v1/health`),
      ),
    );
    options.signal.throwIfAborted();
    await enrollBoat();
    report('starting the export manager');
    programs.push(
      await startProgram('the export manager', boatCommand('serve'), boatEnvironment, () =>
        answers(`${boatUrl}/health`),
      ),
    );

    const full = await runRound('full export', [], made, options.signal);
    const { added } = addRecords(BOAT, { rows: ADDED_ROWS, seed: 2 });
    const grown = mapCounts((category) => full.stored[category] + added[category]);
    const incremental = await runRound(
      `incremental export after ${ADDED_ROWS} new log entries`,
      ['--incremental'],
      grown,
      options.signal,
    );
    const differences = [full, incremental].flatMap(printRound);
    if (differences.length > 0) {
      for (const difference of differences) console.error(`DIFFERS: ${difference}`);
      return 1;
    }
    console.log('\nAll counts agree. Central holds every collected record.');
    if (!options.isOnce) await stayUp(options.signal);
    return 0;
  } catch (error) {
    if (options.signal.aborted) {
      console.error('start: stopped before the counts were compared');
      return INTERRUPTED;
    }
    console.error(error instanceof Error ? error.message : error);
    for (const program of programs) console.error(`\nLast lines of ${program.name}:\n${program.tail()}`);
    return 1;
  } finally {
    for (const program of programs.reverse()) await program.stop();
    tierApi.close();
  }
}

function unlessTaken(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
  throw error;
}

function reportTakenPort(taken: Port): 1 {
  console.error(
    `Port ${taken.number} for ${taken.name} is already in use. Stop the program that listens there (ss -ltnp shows which), ` +
      `or choose another port: ${taken.variable}=${taken.number + 1000} npm start`,
  );
  return 1;
}

function report(line: string): void {
  console.error(`start: ${line}`);
}

async function findTakenPort(): Promise<Port | undefined> {
  for (const port of Object.values(PORTS)) if (!(await isPortFree(port.number))) return port;
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.ok;
}

async function prepareBoat(): Promise<Counts> {
  // A killed run may have left its database running. This opens and stops the database before the folder is removed.
  if (existsSync(CENTRAL_DATA)) {
    const store = { kind: 'embedded', dataDir: CENTRAL_DATA } as const;
    const left = await openStore({ store }, 'serve', SILENT_LOG).catch((error: unknown) => {
      if (!isCentralFailure(error, 'DATA_DIR_IN_USE')) throw error;
      throw new Error(`Another npm start, on other ports, uses ${DEMO}. Stop it first.`, { cause: error });
    });
    await left.close();
  }
  rmSync(DEMO, { recursive: true, force: true });
  mkdirSync(DEMO, { recursive: true });
  report(`creating a sample boat in ${DEMO}`);
  return writeBoat(BOAT, {
    generation: 'mixed',
    rows: BOAT_ROWS,
    seed: 1,
    installationId: INSTALLATION,
    tier: 2,
  }).records;
}

async function enrollBoat(): Promise<void> {
  report('enrolling the boat');
  // The CLI reference documents this JSON.
  const { token } = (await runJson(
    centralCommand('enroll', INSTALLATION, '--tier', '2', '--json'),
    centralEnvironment,
  )) as {
    token: string;
  };
  writeFileSync(join(BOAT, 'config', 'export-credentials.json'), JSON.stringify({ token }), { mode: 0o600 });
}

async function runRound(
  title: string,
  args: readonly string[],
  expected: Counts,
  signal: AbortSignal,
): Promise<Round> {
  signal.throwIfAborted();
  report(`creating ${/^[aeiou]/.test(title) ? 'an' : 'a'} ${title} and waiting for central's receipt`);
  const began = performance.now();
  // The CLI reference documents this JSON.
  const made = (await runJson(boatCommand('generate', ...args, '--json'), boatEnvironment)) as {
    queue_id: string;
  };
  const delivered = await waitForDelivery(made.queue_id, signal);
  const seconds = (performance.now() - began) / 1000;
  const status = (await getJson(`${boatUrl}/export/status`)) as {
    categories: Record<string, { count: number }>;
  };
  return {
    title,
    collected: mapCounts((category) => status.categories[category]?.count ?? 0),
    delivered: mapCounts((category) => delivered.records_imported[category] ?? 0),
    stored: await countBySql(),
    expected,
    fileSizeBytes: delivered.file_size_bytes,
    wireSizeBytes: delivered.wire_size_bytes,
    seconds,
  };
}

interface Delivered {
  readonly queue_id: string;
  readonly records_imported: Readonly<Record<string, number>>;
  readonly file_size_bytes: number;
  readonly wire_size_bytes: number;
}

async function waitForDelivery(queueId: string, signal: AbortSignal): Promise<Delivered> {
  const began = performance.now();
  for (;;) {
    signal.throwIfAborted();
    // The API reference documents this JSON.
    const { exports } = (await getJson(`${boatUrl}/export/history?limit=10`)) as {
      exports: readonly Delivered[];
    };
    const delivered = exports.find((one) => one.queue_id === queueId);
    if (delivered !== undefined) return delivered;
    if (performance.now() - began > DELIVERY_MAX_MS)
      throw new Error(
        `${queueId} was not delivered within ${DELIVERY_MAX_MS / 1000} s: ${JSON.stringify(await getJson(`${boatUrl}/export/status`))}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

/** Counts the rows in central's tables while central runs. */
async function countBySql(): Promise<Counts> {
  const open = await openStore({ store: { kind: 'embedded', dataDir: CENTRAL_DATA } }, 'command', SILENT_LOG);
  try {
    const counts: Partial<Record<Category, number>> = {};
    for (const category of CATEGORIES) {
      const [row] = await open.store.query(
        `SELECT count(*)::int AS n FROM records_${category} WHERE installation_id = $1`,
        [INSTALLATION],
      );
      counts[category] = Number(row?.['n']);
    }
    return mapCounts((category) => counts[category] ?? Number.NaN);
  } finally {
    await open.close();
  }
}

function mapCounts(count: (category: Category) => number): Counts {
  const entries = CATEGORIES.map((category) => [category, count(category)] as const);
  // One entry for each of the nine categories.
  return Object.fromEntries(entries.filter(([category]) => isCategory(category))) as Record<Category, number>;
}

/** Prints a round's table. Returns one line for each difference. */
function printRound(round: Round): readonly string[] {
  const rows = CATEGORIES.map(
    (category) =>
      [category, round.collected[category], round.delivered[category], round.stored[category]] as const,
  );
  console.log(`\n${round.title}`);
  console.log(
    `  ${'category'.padEnd(26)}${'collected'.padStart(10)}${'delivered'.padStart(10)}${'at central (SQL)'.padStart(18)}`,
  );
  for (const [category, collected, delivered, stored] of rows)
    console.log(
      `  ${category.padEnd(26)}${String(collected).padStart(10)}${String(delivered).padStart(10)}${String(stored).padStart(18)}`,
    );
  console.log(
    `  ${kilobytes(round.fileSizeBytes)} on disk, ${kilobytes(round.wireSizeBytes)} on the wire, ${round.seconds.toFixed(2)} s from the command to central's receipt`,
  );
  return rows.flatMap(([category, collected, delivered, stored]) => [
    ...(collected === delivered
      ? []
      : [`${round.title}: ${category}: ${collected} collected, ${delivered} delivered`]),
    ...(stored === round.expected[category]
      ? []
      : [`${round.title}: ${category}: ${stored} at central, ${round.expected[category]} expected`]),
  ]);
}

function kilobytes(sizeBytes: number): string {
  return `${(sizeBytes / 1024).toFixed(1)} KiB`;
}

async function stayUp(signal: AbortSignal): Promise<void> {
  console.log(`
The boat's export manager   ${boatUrl}/export/status
Central's fleet page        ${centralUrl}/   (user "operator", password "${OPERATOR_TOKEN}")
The sample boat             ${BOAT}

Stop with Ctrl-C.`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  console.log('stopping');
}
