import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedPostgres } from '../embedded-postgres.ts';
import type { Pooler } from './pooler.ts';
import { runStatement } from './run-statement.ts';

/** A running PgBouncer in front of a server, or the reason why this machine has none. */
export type PgBouncer =
  ({ readonly kind: 'running' } & Pooler) | { readonly kind: 'unavailable'; readonly reason: string };

/** Server connections for each database: more than two nodes use at once in a test that also holds a lock. */
const POOL_SIZE = 24;

/** Maximum number of attempts, 50 ms apart, to reach a PgBouncer that was just started. */
const START_ATTEMPTS_MAX = 200;

/**
 * Starts PgBouncer in transaction mode in front of a server, for all of its databases. PgBouncer assigns the server connections
 * in turn, so the next transaction does not see the previous one's session state.
 */
export async function startPgBouncer(server: EmbeddedPostgres['address']): Promise<PgBouncer> {
  if (spawnSync('pgbouncer', ['--version']).status !== 0)
    return { kind: 'unavailable', reason: 'pgbouncer is not installed (Debian package pgbouncer)' };
  const folder = await mkdtemp(join(tmpdir(), 'central-pgbouncer-'));
  const port = await findFreePort();
  await chmod(folder, 0o700);
  await writeFile(join(folder, 'users.txt'), '"central" ""\n');
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=${server.host} user=${server.user}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      `auth_file = ${folder}/users.txt`,
      'pool_mode = transaction',
      'server_round_robin = 1',
      `default_pool_size = ${POOL_SIZE}`,
      `logfile = ${folder}/pgbouncer.log`,
    ].join('\n'),
  );
  // PgBouncer refuses to run as root. In a user namespace, it may still use the socket that only root can reach.
  const asOther =
    process.getuid?.() === 0 ? ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'] : [];
  const [program = 'pgbouncer', ...args] = [...asOther, 'pgbouncer', join(folder, 'pgbouncer.ini')];
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const url = (user: string) => `postgres://${user}@127.0.0.1:${port}/postgres`;
  const close = async () => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true });
  };
  try {
    await untilAnswering(url('central'));
  } catch (error) {
    await close();
    throw error;
  }
  return { kind: 'running', url, close };
}

async function untilAnswering(url: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      await runStatement({ url }, 'select 1');
      return;
    } catch (error) {
      if (attempt > START_ATTEMPTS_MAX) throw error;
      await sleep(50);
    }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
