import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPgStore, SILENT_LOG, type Store } from '@d3kos/central';
import {
  findEmbeddedAccount,
  giveFolder,
  spawnAs,
} from '../../packages/central/src/platform/embedded-account.ts';
import { findEmbeddedBinaries } from '../../packages/central/src/platform/embedded-binaries.ts';
import { toClusterPath } from '../../packages/central/src/platform/postgres-cluster.ts';
import { copyCluster } from '../../packages/central/src/platform/testing/cluster-template.ts';
import { runStatement } from '../../packages/central/src/platform/testing/run-statement.ts';
import { freePort, type Processes } from './processes.ts';
import { until } from './until.ts';

/** A separate PostgreSQL server, like that of an operator. It listens on loopback, and several of central's nodes use it. */
export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Starts it with these settings, and waits until it accepts connections. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** Kills every process of the server with SIGKILL, like a power cut. */
  kill(): Promise<void>;
  /** Closes every connection and shuts down cleanly. */
  stop(): Promise<void>;
  /** Everything that the server has logged. */
  log(): string;
  /** Runs a statement outside a transaction. */
  run(sql: string): Promise<void>;
  /** Runs `work` on a separate store. */
  use<T>(work: (store: Store) => Promise<T>): Promise<T>;
}

/**
 * Creates the data folder of a server that is not running yet. All servers in a checkout are copies of one cluster, like a
 * standby.
 */
export async function placePostgres(processes: Processes, folder?: string): Promise<PostgresServer> {
  const dataDir = folder ?? processes.folder('postgres');
  await copyCluster(dataDir);
  const binaries = await findEmbeddedBinaries();
  const account = await findEmbeddedAccount(binaries.postgres);
  await giveFolder(dataDir, account);
  const port = await freePort();
  const url = `postgres://central@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  let log = '';
  const hasEnded = (): boolean => child === undefined || child.exitCode !== null || child.signalCode !== null;
  const untilEnded = async (): Promise<void> => {
    if (child !== undefined && !hasEnded()) await once(child, 'exit');
  };
  const kill = async (): Promise<void> => {
    if (child?.pid === undefined || hasEnded()) return;
    // A backend whose server was killed can still finish its commit, so the backends are stopped before they are killed.
    process.kill(child.pid, 'SIGSTOP');
    const backends = listChildren(child.pid);
    for (const pid of backends) signal(pid, 'SIGKILL');
    process.kill(child.pid, 'SIGKILL');
    await untilEnded();
  };
  const server: PostgresServer = {
    url,
    port,
    dataDir,
    log: () => log,
    async start(settings = {}) {
      const all = {
        listen_addresses: '127.0.0.1',
        port: String(port),
        unix_socket_directories: '',
        ...settings,
      };
      const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const started = spawnAs(account, binaries.postgres, ['-D', toClusterPath(dataDir), ...args]);
      child = started;
      for (const stream of [started.stdout, started.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
      await until('PostgreSQL to accept connections', async () => {
        if (hasEnded()) throw new Error(`PostgreSQL ended: ${log}`);
        return isAnswering(url);
      });
    },
    kill,
    async stop() {
      if (child?.pid !== undefined && !hasEnded()) child.kill('SIGINT');
      await untilEnded();
    },
    run: (sql) => runStatement({ url }, sql),
    async use(work) {
      const store = openPgStore({ url }, SILENT_LOG);
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    },
  };
  processes.atEnd(kill);
  return server;
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    await runStatement({ url }, 'select 1');
    return true;
  } catch {
    // The server is starting, recovering or shutting down.
    return false;
  }
}

/** Returns the processes whose parent is `pid`. */
function listChildren(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => readStat(name).split(') ')[1]?.split(' ')[1] === String(pid))
    .map(Number);
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // The process has ended in the meantime.
    return '';
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Configures a server that has never run to start as a standby of `primary`. */
export function makeStandby(
  standby: PostgresServer,
  primary: PostgresServer,
): Readonly<Record<string, string>> {
  const cluster = toClusterPath(standby.dataDir);
  mkdirSync(cluster, { recursive: true });
  writeFileSync(join(cluster, 'standby.signal'), '');
  return {
    primary_conninfo: `host=127.0.0.1 port=${primary.port} user=central application_name=standby`,
    hot_standby: 'on',
  };
}
