import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openBoundedLogFile } from './bounded-log-file.ts';
import { type EmbeddedAccount, giveFolder, spawnAs } from './embedded-account.ts';
import type { Log } from './ports.ts';
import { DATABASE, embeddedFailed, readOptional, toClusterPath } from './postgres-cluster.ts';

/**
 * Longest wait for the first answer after a start. After a power cut, PostgreSQL first replays its log, which can take minutes on
 * a slow disk.
 */
const START_MAX_MS = 5 * 60_000;

/**
 * Longest time for a fast shutdown. When it is over, central requests an immediate shutdown, whose only cost is a replay at the
 * next start.
 */
const STOP_MAX_MS = 20_000;

/** Polling interval for conditions that emit no event. */
const POLL_MS = 50;

/** Longest path of a Unix socket on Linux, including its file name (sun_path has 108 bytes with the closing NUL). */
const SOCKET_PATH_LENGTH_MAX = 107;

/** The socket's file name for PostgreSQL's default port. There is no TCP listener. */
const SOCKET_NAME = '.s.PGSQL.5432';

/** Options for starting a postmaster. */
export interface PostmasterOptions {
  readonly dataDir: string;
  readonly socketDir: string;
  /** Path of the `postgres` program. */
  readonly program: string;
  readonly account: EmbeddedAccount;
  readonly fsync: 'on' | 'off';
}

/** A postmaster that answers. */
export interface RunningPostmaster {
  /** Resolves with the reason when the process ends. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Creates the socket's folder. Only the account that runs PostgreSQL can enter the folder, because PostgreSQL trusts every
 * client. Its path is short enough for a socket.
 */
export async function createSocketDir(account: EmbeddedAccount): Promise<string> {
  const fits = (base: string) =>
    join(base, 'd3kos-central-XXXXXX', SOCKET_NAME).length <= SOCKET_PATH_LENGTH_MAX;
  const socketDir = await mkdtemp(join(fits(tmpdir()) ? tmpdir() : '/tmp', 'd3kos-central-'));
  await chmod(socketDir, 0o700);
  await giveFolder(socketDir, account);
  return socketDir;
}

/** Starts PostgreSQL on the cluster and resolves once it accepts connections. Throws EMBEDDED_FAILED. */
export async function startPostmaster(options: PostmasterOptions): Promise<RunningPostmaster> {
  const { dataDir, socketDir, program, account } = options;
  const logFile = join(dataDir, 'postgres.log');
  const logged = openBoundedLogFile(logFile);
  const child = spawnAs(account, program, ['-D', toClusterPath(dataDir), ...toSettingArguments(options)]);
  // Central writes the log, because PostgreSQL's own collector does not bound a file's size. If central is killed, the remaining
  // PostgreSQL processes write to a closed pipe, which PostgreSQL ignores.
  for (const stream of outputsOf(child)) stream.on('data', logged.write);
  const outputEnded = new Promise<void>((done) => {
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
  // The database must not keep central's process alive.
  child.unref();
  for (const stream of outputsOf(child)) stream.unref();
  return {
    ended,
    stop: async () => {
      await endProcess(child.pid ?? 0, hasEnded);
      // Wait for the last log lines, and thus for every PostgreSQL process.
      for (const stream of outputsOf(child)) stream.ref();
      await outputEnded;
    },
  };
}

function toSettingArguments({ socketDir, fsync }: PostmasterOptions): readonly string[] {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${socketDir}`,
    'unix_socket_permissions=0700',
    `fsync=${fsync}`,
    `synchronous_commit=${fsync}`,
    `full_page_writes=${fsync}`,
    // Boats send compressed bodies, and PostgreSQL compresses the data again on disk anyway.
    'wal_compression=on',
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}

/** The output streams of a child, which are sockets at run time. */
function outputsOf({ stdout, stderr }: ChildProcess): readonly Socket[] {
  return [stdout, stderr].filter((stream) => stream instanceof Socket);
}

/** Requests a fast shutdown, then an immediate one, then kills the process. After each step, it waits for the process to end. */
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

/** A live postmaster. */
interface Postmaster {
  readonly pid: number;
  readonly socketDir: string;
}

/**
 * Returns the live postmaster of the cluster. The pid file survives a power cut, after which its pid may belong to any process.
 * Therefore, the process's program and working directory are compared as well.
 */
async function readPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const { pid, lines } = await readPidFile(dataDir);
  const [, , , , socketDir = ''] = lines;
  return pid > 1 && (await isPostmaster(pid, toClusterPath(dataDir))) ? { pid, socketDir } : undefined;
}

/** Reads the cluster's pid file. The pid is 0 if the file does not exist. */
async function readPidFile(
  dataDir: string,
): Promise<{ readonly path: string; readonly pid: number; readonly lines: readonly string[] }> {
  const path = join(toClusterPath(dataDir), 'postmaster.pid');
  const lines = ((await readOptional(path)) ?? '').split('\n');
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
 * Stops a PostgreSQL that a killed process left running. It is not reused, because its settings may differ, and its connections
 * may still be inside the dead process's transactions.
 */
export async function stopLeftBehind(dataDir: string, log: Log): Promise<void> {
  const left = await readPostmaster(dataDir);
  if (left === undefined) return disownPidFile(dataDir);
  log.write('warn', 'stopping the PostgreSQL that a killed d3kos-central left running', { pid: left.pid });
  await endProcess(left.pid, async () => !(await isPostmaster(left.pid, toClusterPath(dataDir))));
  await removeSocketDir(left.socketDir);
}

/** Removes the socket folder of a server that has ended. Only the holder of the data directory's lock may call this. */
async function removeSocketDir(path: string | undefined): Promise<void> {
  if (path !== undefined && /\/d3kos-central-[A-Za-z0-9]{6}$/.test(path))
    await rm(path, { recursive: true, force: true });
}

/**
 * Writes central's own pid into a stale pid file. After a power cut, the file may name an unrelated live process, in which case
 * PostgreSQL would refuse to start. If the file contains the pid of PostgreSQL's parent, PostgreSQL treats it as stale but still
 * checks that no process of the old server uses its shared memory. Removing the file would disable that check.
 */
async function disownPidFile(dataDir: string): Promise<void> {
  const { path, pid, lines } = await readPidFile(dataDir);
  await removeSocketDir(lines[4]);
  if (pid > 1) await writeFile(path, [String(process.pid), ...lines.slice(1)].join('\n'));
}

/**
 * Returns the folder of the socket on which the cluster's PostgreSQL answers, or undefined. /proc is not read: if the service has
 * a user namespace (`PrivateUsers=`), its own account may be unable to see which program its process runs. The folder must belong
 * to the same account as the data directory, so that no other account can pose as the database.
 */
export async function findAnsweringSocket(dataDir: string): Promise<string | undefined> {
  const { lines } = await readPidFile(dataDir);
  const [, , , , socketDir = ''] = lines;
  if (socketDir === '') return undefined;
  const ownerOf = (path: string) =>
    stat(path).then(
      ({ uid }) => uid,
      () => undefined,
    );
  const owner = await ownerOf(socketDir);
  if (owner === undefined || owner !== (await ownerOf(dataDir))) return undefined;
  return (await isAnswering(socketDir)) ? socketDir : undefined;
}

/** True if PostgreSQL accepts connections at the socket. It refuses them while it recovers. */
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
