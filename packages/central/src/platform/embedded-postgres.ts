import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openBoundedLogFile } from './bounded-log-file.ts';
import { type DataDirectoryLock, lockDataDirectory } from './data-directory-lock.ts';
import { type EmbeddedAccount, findEmbeddedAccount, giveFolder } from './embedded-account.ts';
import { type EmbeddedBinaries, findEmbeddedBinaries } from './embedded-binaries.ts';
import { CentralFailure } from './errors.ts';
import type { Log } from './ports.ts';

/** Longest a new caller waits for the data directory: another command holds it for a second or two. */
const LOCK_WAIT_MAX_MS = 5_000;

/** Longest PostgreSQL may take to answer after its start. After a power cut it first replays its log, on a slow disk for minutes. */
const START_MAX_MS = 5 * 60_000;

/** Longest a fast shutdown may take before an immediate one, which costs a replay at the next start and nothing else. */
const STOP_MAX_MS = 20_000;

/** How often a state is looked at that says nothing by itself. */
const POLL_MS = 50;

/** Longest path of a Unix socket on Linux, its file name included (sun_path, 108 bytes with the closing NUL). */
const SOCKET_PATH_LENGTH_MAX = 107;

/** The name of the socket PostgreSQL makes for its default port, which no TCP port stands behind here. */
const SOCKET_NAME = '.s.PGSQL.5432';

const DATABASE = { user: 'central', database: 'postgres' } as const;

/** How the embedded PostgreSQL is started. */
export interface EmbeddedOptions {
  /** Its folder, created if missing. */
  readonly dataDir: string;
  readonly log: Log;
  /** `off` is for tests that throw their data away: a power cut may then take acknowledged commits. Default on. */
  readonly fsync?: 'on' | 'off';
}

/** A running PostgreSQL of our own, on a Unix socket only. */
export interface EmbeddedPostgres {
  readonly address: { readonly host: string; readonly user: string; readonly database: string };
  /** Resolves, with what is known, if it ends without `stop`; never rejects. */
  readonly ended: Promise<string>;
  /** Shuts it down and releases the data directory. Harmless when repeated. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL on a data directory: creates the cluster once, stops a postmaster that a killed process left
 * behind, and waits until it answers. Commits are durable (fsync, synchronous_commit) unless told otherwise.
 * Throws DATA_DIR_IN_USE while another live process runs it, EMBEDDED_UNAVAILABLE, EMBEDDED_FAILED.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = await prepareDataDir(options.dataDir);
  const deadlineMs = performance.now() + LOCK_WAIT_MAX_MS;
  for (;;) {
    const lock = await lockDataDirectory(dataDir);
    if (lock !== undefined) return startLocked(dataDir, options, lock);
    if (performance.now() > deadlineMs) throw inUse(dataDir);
    await sleep(POLL_MS);
  }
}

/**
 * For a short command: the PostgreSQL that a live process runs on the data directory, or one started for the command.
 * `stop` ends it only in the second case. Throws as startEmbeddedPostgres does.
 */
export async function borrowEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = await prepareDataDir(options.dataDir);
  const deadlineMs = performance.now() + LOCK_WAIT_MAX_MS;
  for (;;) {
    const lock = await lockDataDirectory(dataDir);
    if (lock !== undefined) return startLocked(dataDir, options, lock);
    const left = await readPostmaster(dataDir);
    if (left !== undefined && (await isAnswering(left.socketDir)))
      return {
        address: { host: left.socketDir, ...DATABASE },
        ended: new Promise<string>(() => undefined),
        stop: async () => undefined,
      };
    if (performance.now() > deadlineMs) throw inUse(dataDir);
    await sleep(POLL_MS);
  }
}

function inUse(dataDir: string): CentralFailure {
  return new CentralFailure('DATA_DIR_IN_USE', `another d3kos-central runs on ${dataDir}`, {
    op: `lock ${dataDir}`,
    hint: 'stop it, or choose another folder with CENTRAL_DATA_DIR or --data-dir',
  });
}

async function prepareDataDir(path: string): Promise<string> {
  if (process.platform !== 'linux')
    throw new CentralFailure(
      'EMBEDDED_UNAVAILABLE',
      `the embedded PostgreSQL is not run on ${process.platform}`,
      {
        op: 'start the embedded PostgreSQL',
        hint: 'set DATABASE_URL to a PostgreSQL of your own',
      },
    );
  try {
    await mkdir(resolve(path), { recursive: true, mode: 0o700 });
    return await realpath(resolve(path));
  } catch (error) {
    throw new CentralFailure('EMBEDDED_FAILED', `cannot use the folder ${path}: ${String(error)}`, {
      op: `create ${path}`,
      hint: 'choose a folder that can be written to with CENTRAL_DATA_DIR or --data-dir',
      cause: error,
    });
  }
}

async function startLocked(
  dataDir: string,
  options: EmbeddedOptions,
  lock: DataDirectoryLock,
): Promise<EmbeddedPostgres> {
  try {
    await stopLeftBehind(dataDir, options.log);
    const binaries = await findEmbeddedBinaries();
    const account = await findEmbeddedAccount(binaries.postgres);
    await giveFolder(dataDir, account);
    await createCluster(dataDir, binaries, account, options.log);
    const socketDir = await createSocketDir(account);
    const postmaster = await startPostmaster(dataDir, socketDir, binaries, account, options).catch(
      async (error: unknown) => {
        await rm(socketDir, { recursive: true, force: true });
        throw error;
      },
    );
    return {
      address: { host: socketDir, ...DATABASE },
      ended: postmaster.ended,
      stop: async () => {
        await postmaster.stop();
        await rm(socketDir, { recursive: true, force: true });
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function clusterOf(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/** Makes the cluster under another name and renames it: a killed initdb leaves nothing that looks like a database. */
async function createCluster(
  dataDir: string,
  { initdb }: EmbeddedBinaries,
  account: EmbeddedAccount,
  log: Log,
): Promise<void> {
  const cluster = clusterOf(dataDir);
  const isThere = (await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(absent)) !== undefined;
  if (!isThere) {
    log.write('info', 'creating the embedded database', { folder: cluster });
    const fresh = `${cluster}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { mode: 0o700 });
    await giveFolder(fresh, account);
    const args = [
      '-D',
      fresh,
      '--encoding=UTF8',
      '--locale=C',
      `--username=${DATABASE.user}`,
      '--auth=trust',
    ];
    await runToEnd(account, initdb, [...args, '--no-instructions']);
    await rename(fresh, cluster);
    const folder = await open(dataDir);
    await folder.sync();
    await folder.close();
  }
}

/** A folder only we can enter: whoever reaches the socket is let in. Short, because a socket's path may not be long. */
async function createSocketDir(account: EmbeddedAccount): Promise<string> {
  const fits = (base: string) =>
    join(base, 'd3kos-central-XXXXXX', SOCKET_NAME).length <= SOCKET_PATH_LENGTH_MAX;
  const socketDir = await mkdtemp(join(fits(tmpdir()) ? tmpdir() : '/tmp', 'd3kos-central-'));
  await chmod(socketDir, 0o700);
  await giveFolder(socketDir, account);
  return socketDir;
}

function spawnAs(
  { prefix, uid, gid }: EmbeddedAccount,
  program: string,
  args: readonly string[],
): ChildProcess {
  const [first = program, ...rest] = [...prefix, program, ...args];
  return spawn(first, rest, {
    cwd: '/',
    // Its own session: Ctrl-C in a terminal reaches central, which then shuts the database down in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

async function runToEnd(account: EmbeddedAccount, program: string, args: readonly string[]): Promise<void> {
  const child = spawnAs(account, program, args);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => said.push(data.toString('utf8')));
  const [code] = await once(child, 'close');
  if (code !== 0)
    throw embeddedFailed(`${program} ended with ${String(code)}: ${said.join('').slice(-2_000)}`);
}

async function startPostmaster(
  dataDir: string,
  socketDir: string,
  { postgres }: EmbeddedBinaries,
  account: EmbeddedAccount,
  { fsync = 'on' }: EmbeddedOptions,
): Promise<Pick<EmbeddedPostgres, 'ended' | 'stop'>> {
  const logFile = join(dataDir, 'postgres.log');
  const logged = openBoundedLogFile(logFile);
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${socketDir}`,
    'unix_socket_permissions=0700',
    `fsync=${fsync}`,
    `synchronous_commit=${fsync}`,
    `full_page_writes=${fsync}`,
    // What a boat sent was compressed on its way; on disk the server does it.
    'wal_compression=on',
  ];
  const args = settings.flatMap((setting) => ['-c', setting]);
  const child = spawnAs(account, postgres, ['-D', clusterOf(dataDir), ...args]);
  // Written here and not by PostgreSQL: its own logging collector bounds no file's size. Where central was killed, what is left
  // of PostgreSQL writes into a closed pipe, which it ignores.
  for (const stream of outputsOf(child)) stream.on('data', logged.write);
  const silent = new Promise<void>((done) => {
    child.once('close', () => {
      logged.close();
      done();
    });
  });
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => done(`ended with ${String(code ?? signal)}; see ${logFile}`));
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const deadlineMs = performance.now() + START_MAX_MS;
  while (!(await isAnswering(socketDir))) {
    if (hasEnded()) throw embeddedFailed(`PostgreSQL ${await ended}`);
    if (performance.now() > deadlineMs) {
      await endProcess(child.pid ?? 0, hasEnded);
      throw embeddedFailed(`PostgreSQL does not answer; see ${logFile}`);
    }
    await sleep(POLL_MS);
  }
  // Only central keeps the process alive, not the database below it.
  child.unref();
  for (const stream of outputsOf(child)) stream.unref();
  return {
    ended,
    stop: async () => {
      await endProcess(child.pid ?? 0, hasEnded);
      // Its last lines, and the end of every process of it.
      for (const stream of outputsOf(child)) stream.ref();
      await silent;
    },
  };
}

/** What a child says, as the sockets they are at run time. */
function outputsOf({ stdout, stderr }: ChildProcess): readonly Socket[] {
  return [stdout, stderr].filter((stream) => stream instanceof Socket);
}

/** Asks a postmaster for a fast shutdown, then for an immediate one, and waits for its end. */
async function endProcess(pid: number, hasEnded: () => boolean | Promise<boolean>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (await hasEnded()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (await hasEnded()) return;
      throw embeddedFailed(`cannot stop PostgreSQL (process ${pid}): ${String(error)}`);
    }
    const deadlineMs = performance.now() + STOP_MAX_MS;
    while (performance.now() < deadlineMs) {
      if (await hasEnded()) return;
      await sleep(POLL_MS);
    }
  }
  throw embeddedFailed(`PostgreSQL (process ${pid}) does not end`);
}

/** A postmaster by its own pid file. */
interface Postmaster {
  readonly pid: number;
  readonly socketDir: string;
}

/** The live postmaster of the cluster. Its pid file outlives it after a power cut, and its pid may then be anybody's: the program and its folder are compared. */
async function readPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const { pid, lines } = await readPidFile(dataDir);
  const [, , , , socketDir = ''] = lines;
  return pid > 1 && (await isPostmaster(pid, clusterOf(dataDir))) ? { pid, socketDir } : undefined;
}

/** The cluster's pid file; pid 0 where there is none. */
async function readPidFile(
  dataDir: string,
): Promise<{ readonly path: string; readonly pid: number; readonly lines: readonly string[] }> {
  const path = join(clusterOf(dataDir), 'postmaster.pid');
  const lines = ((await readFile(path, 'utf8').catch(absent)) ?? '').split('\n');
  const pid = Number(lines[0]);
  return { path, pid: Number.isInteger(pid) ? pid : 0, lines };
}

async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  const gone = () => undefined;
  const folder = await readlink(`/proc/${pid}/cwd`).catch(gone);
  const program = await readlink(`/proc/${pid}/exe`).catch(gone);
  return folder === cluster && program !== undefined && /\/postgres( \(deleted\))?$/.test(program);
}

/**
 * Ends what a killed process left running. It is stopped and not adopted: its settings may be others than asked for, and its
 * connections may still be in the middle of the dead process's transactions.
 */
async function stopLeftBehind(dataDir: string, log: Log): Promise<void> {
  const left = await readPostmaster(dataDir);
  if (left === undefined) return disownPidFile(dataDir);
  log.write('warn', 'stopping the PostgreSQL that a killed d3kos-central left running', { pid: left.pid });
  await endProcess(left.pid, async () => !(await isPostmaster(left.pid, clusterOf(dataDir))));
  await removeSocketDir(left.socketDir);
}

/** Removes the socket's folder of a server of this data directory that has ended: who holds the lock is the only one to use it. */
async function removeSocketDir(path: string | undefined): Promise<void> {
  if (path !== undefined && /\/d3kos-central-[A-Za-z0-9]{6}$/.test(path))
    await rm(path, { recursive: true, force: true });
}

/**
 * After a power cut, a pid file may name somebody else's live process, and PostgreSQL would refuse to start because of it. With the
 * pid of its own parent in it, it knows the file is stale, and still checks that no process of the old server holds its memory:
 * removing the file would take that check away.
 */
async function disownPidFile(dataDir: string): Promise<void> {
  const { path, pid, lines } = await readPidFile(dataDir);
  await removeSocketDir(lines[4]);
  if (pid > 1) await writeFile(path, [String(process.pid), ...lines.slice(1)].join('\n'));
}

/** Whether a PostgreSQL takes connections at the socket: it refuses them while it recovers. */
async function isAnswering(socketDir: string): Promise<boolean> {
  const client = new pg.Client({ host: socketDir, ...DATABASE, connectionTimeoutMillis: START_MAX_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

function embeddedFailed(message: string): CentralFailure {
  return new CentralFailure('EMBEDDED_FAILED', message, {
    op: 'run the embedded PostgreSQL',
    hint: 'see the log named above; DATABASE_URL with a PostgreSQL of your own is the other way',
  });
}
