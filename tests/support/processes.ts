import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  enroll,
  type OpenStore,
  openStore,
  parseConfig,
  recordTable,
  SILENT_LOG,
  type Store,
  systemRandomHex,
  systemWall,
} from '@d3kos/central';
import { CATEGORIES, type Category } from '@d3kos/protocol';
import { toClusterPath } from '../../packages/central/src/platform/postgres-cluster.ts';
import { copyCluster } from '../../packages/central/src/platform/testing/cluster-template.ts';
import { until, WAIT_MAX_MS } from './until.ts';

/** The folder of the bundled programs, which start faster. Without it the programs start from source. */
const BUNDLES = process.env['D3KOS_TEST_PROGRAMS'];

function toProgramPath(name: 'boat' | 'central'): string {
  if (BUNDLES !== undefined) return join(BUNDLES, `${name}.mjs`);
  return join(import.meta.dirname, '..', '..', 'packages', name, 'src', 'main.ts');
}

/** The environment variables that programs inherit. The compile cache shortens each start by a third. */
const INHERITED = Object.fromEntries(
  ['PATH', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** No server listens there, so connections are refused at once. */
export const NO_SERVER = 'http://127.0.0.1:9';

export interface Program {
  readonly child: ChildProcess;
  /** All output so far: stdout and stderr in order of arrival. */
  output(): string;
  lines(): readonly string[];
  /** Resolves once the program has written this many lines or has ended. */
  untilLines(count: number): Promise<void>;
  /** Resolves once the program has ended and `output` is complete. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Sends SIGTERM and waits for the program to end. Resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL and waits for the program to end. */
  kill(): Promise<void>;
}

/** Starts programs and creates folders for one test, and removes all of them when the test ends. */
export interface Processes {
  /** Creates a new temporary folder. */
  folder(name: string): string;
  /** Starts `node main.ts …`. The program inherits only PATH and the compile cache from this environment. */
  start(
    main: 'boat' | 'central',
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Program;
  /** Starts the program and waits until it ends. */
  run(
    main: 'boat' | 'central',
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly output: string }>;
  /** Runs `work` after all programs have ended and before the folders are removed. The function added last runs first. */
  atEnd(work: () => Promise<void> | void): void;
}

/** An object with an `after` hook: a test, or node:test for a whole file. */
interface Ending {
  after(work: () => Promise<void>): void;
}

/** In the `before` hook of a file, call `createProcesses({ after })`. In a single test, call `createProcesses(toEnding(t))`. */
export function toEnding(t: TestContext): Ending {
  return { after: (work) => t.after(work) };
}

export function createProcesses(ending: Ending): Processes {
  const programs = new Set<Program>();
  const folders: string[] = [];
  const works: (() => Promise<void> | void)[] = [];
  const killAll = (): void => {
    for (const { child } of programs) child.kill('SIGKILL');
  };
  // If the runner ends this process, its children also end.
  process.once('exit', killAll);
  ending.after(async () => {
    await Promise.all([...programs].map((program) => program.kill()));
    for (const work of works.reverse()) await work();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    process.removeListener('exit', killAll);
  });
  const start: Processes['start'] = (main, args, environment) => {
    const program = spawnProgram(toProgramPath(main), args, environment);
    programs.add(program);
    void program.ended.then(() => programs.delete(program));
    return program;
  };
  return {
    folder(name) {
      const folder = mkdtempSync(join(tmpdir(), `d3kos-${name}-`));
      folders.push(folder);
      return folder;
    },
    start,
    async run(main, args, environment) {
      const program = start(main, args, environment);
      const timer = setTimeout(() => program.child.kill('SIGKILL'), WAIT_MAX_MS);
      const { code } = await program.ended;
      clearTimeout(timer);
      return { code, output: program.output() };
    },
    atEnd: (work) => void works.push(work),
  };
}

function spawnProgram(
  main: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Program {
  const child = spawn(
    process.execPath,
    ['--conditions=development', '--disable-warning=ExperimentalWarning', main, ...args],
    { env: { ...INHERITED, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const lines = (): readonly string[] => output.split('\n').filter((line) => line !== '');
  const ended = once(child, 'close').then(([code, signal]) => ({
    // The two arguments of Node's `close` event.
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), WAIT_MAX_MS);
    const { code } = await ended;
    clearTimeout(timer);
    return code;
  };
  return {
    child,
    output: () => output,
    lines,
    untilLines: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (lines().length >= count) resolve();
        };
        for (const stream of [child.stdout, child.stderr]) stream?.on('data', check);
        child.once('close', () => resolve());
        check();
      }),
    ended,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

/** Returns a free port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once the program answers at `url` as `service`. Rejects with the program's output if it ends before that. */
async function untilAnswering(program: Program, url: string, service: string): Promise<void> {
  await until(`${service} to answer at ${url}`, async () => {
    if (program.child.exitCode !== null || program.child.signalCode !== null)
      throw new Error(`${service} ended before it answered: ${program.output()}`);
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      const body = await answer.json();
      return typeof body === 'object' && body !== null && 'service' in body && body.service === service;
    } catch (error) {
      // `fetch` throws this error while no program listens.
      if (error instanceof TypeError) return false;
      throw error;
    }
  });
}

/** The folder, port and environment of a boat's daemon, which stay the same for every start. */
export interface BoatPlace {
  readonly root: string;
  readonly port: number;
  readonly centralUrl: string;
  readonly tierApiUrl?: string;
  /** Additional variables from `packages/boat/src/config.ts`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The environment of `d3kos-export` for this boat. */
export function toBoatEnvironment(place: BoatPlace): Record<string, string> {
  return {
    D3KOS_ROOT: place.root,
    EXPORT_PORT: String(place.port),
    CENTRAL_API_URL: place.centralUrl,
    TIER_API_URL: place.tierApiUrl ?? NO_SERVER,
    EXPORT_RECORDINGS_PATH: join(place.root, 'camera-recordings'),
    EXPORT_SIGNALK_URL: 'off',
    ...place.environment,
  };
}

/** A running daemon that answers requests. */
export interface RunningDaemon extends Program {
  readonly url: string;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

/** Sends one request to the local API. Rejects if there is no answer within `waitMaxMs`. */
export async function requestJson(
  url: string,
  method: string,
  body?: unknown,
  waitMaxMs = WAIT_MAX_MS,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(waitMaxMs),
  });
  const json: unknown = await response.json();
  assert.ok(typeof json === 'object' && json !== null, `${method} ${url} answers an object`);
  return { status: response.status, json: { ...json } };
}

/** Starts the daemon without waiting for it. */
export function spawnDaemon(processes: Processes, place: BoatPlace): RunningDaemon {
  const program = processes.start('boat', ['serve'], toBoatEnvironment(place));
  const url = `http://127.0.0.1:${place.port}`;
  return { ...program, url, request: (method, path, body) => requestJson(`${url}${path}`, method, body) };
}

/** Resolves once the daemon answers. */
export function untilDaemonAnswers(daemon: RunningDaemon): Promise<void> {
  return untilAnswering(daemon, `${daemon.url}/health`, 'd3kos-export-manager');
}

/** Starts the daemon and waits until it answers. */
export async function startDaemon(processes: Processes, place: BoatPlace): Promise<RunningDaemon> {
  const daemon = spawnDaemon(processes, place);
  await untilDaemonAnswers(daemon);
  return daemon;
}

/** The folder, port and environment of central, which stay the same for every start. */
export interface CentralPlace {
  readonly dataDir: string;
  readonly port: number;
  readonly url: string;
}

/** Creates a data folder for central. Its database ends with the test, even if central was killed. */
export async function placeCentral(processes: Processes): Promise<CentralPlace> {
  const dataDir = processes.folder('central');
  await copyCluster(dataDir);
  const port = await freePort();
  processes.atEnd(() => endDatabase(dataDir));
  return { dataDir, port, url: `http://127.0.0.1:${port}` };
}

/** Stops the database that a killed central left running, and removes its socket folder. */
async function endDatabase(dataDir: string): Promise<void> {
  const pidFile = join(toClusterPath(dataDir), 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const [pid, , , , socketDir] = readFileSync(pidFile, 'utf8').split('\n');
  try {
    // PostgreSQL's immediate shutdown.
    process.kill(Number(pid), 'SIGQUIT');
    await until('the database to end', () => !existsSync(pidFile));
  } catch (error) {
    // A killed database leaves the file.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
  if (socketDir !== undefined && socketDir !== '') rmSync(socketDir, { recursive: true, force: true });
}

/** Starts central and waits until it answers. `environment` has additional variables from `packages/central/src/config.ts`. */
export async function startCentral(
  processes: Processes,
  place: CentralPlace,
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const program = processes.start('central', ['serve'], {
    CENTRAL_DATA_DIR: place.dataDir,
    CENTRAL_PORT: String(place.port),
    ...environment,
  });
  await untilAnswering(program, `${place.url}/api/v1/health`, 'd3kos-central');
  return program;
}

/** Starts a central node on a separate PostgreSQL, and waits until it answers. */
export async function startCentralOn(
  processes: Processes,
  databaseUrl: string,
  port: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const program = processes.start('central', ['serve'], {
    DATABASE_URL: databaseUrl,
    CENTRAL_PORT: String(port),
    ...environment,
  });
  await untilAnswering(program, `http://127.0.0.1:${port}/api/v1/health`, 'd3kos-central');
  return program;
}

/** Enrols an installation in central's database. Returns the device token. */
export async function enrollAt(place: CentralPlace, installationId: string): Promise<string> {
  return withCentralStore(place, async (store) => {
    const wallMs = systemWall();
    const { token } = await enroll(
      { store, wallMs, randomHex: systemRandomHex },
      { installationId, tier: 2 },
    );
    return token;
  });
}

/** Returns the process ID of central's PostgreSQL. */
export function postmasterPid(place: CentralPlace): number {
  return Number(readFileSync(join(toClusterPath(place.dataDir), 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** Runs `work` on central's database. If central is not running, starts its database first and stops it afterwards. */
export async function withCentralStore<T>(
  place: CentralPlace,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const open: OpenStore = await openStore(
    parseConfig({ CENTRAL_DATA_DIR: place.dataDir }),
    'command',
    SILENT_LOG,
  );
  try {
    // The store's login may use tables only after the migrations.
    await open.migrate();
    return await work(open.store);
  } finally {
    await open.close();
  }
}

/** Counts, by SQL, the records that central holds for an installation. */
export async function countAtCentral(
  store: Store,
  installationId: string,
): Promise<Readonly<Record<Category, number>>> {
  const counts: Partial<Record<Category, number>> = {};
  for (const category of CATEGORIES) {
    const [row] = await store.query(
      `select count(*)::int as n from ${recordTable(category)} where installation_id = $1::text`,
      [installationId],
    );
    counts[category] = Number(row?.['n']);
  }
  // The query above has counted every category.
  return counts as Record<Category, number>;
}

/** Returns the values of one field in a category's records at central, sorted as text. */
export async function fieldAtCentral(
  store: Store,
  installationId: string,
  category: Category,
  field: string,
): Promise<readonly string[]> {
  const rows = await store.query(
    `select record ->> $2::text as value from ${recordTable(category)} where installation_id = $1::text`,
    [installationId, field],
  );
  return rows.map((row) => String(row['value'])).sort();
}
