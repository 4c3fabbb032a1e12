import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';

/** The right to run a PostgreSQL on one data directory. */
export interface DataDirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes a data directory's lock, or gives undefined while another live process of this machine holds it. `directory` is the real
 * path. The lock is held under this account and under the one the directory belongs to: root can work on everybody's, and must
 * see what they hold, while no stranger can keep an account from its own.
 */
export async function lockDataDirectory(directory: string): Promise<DataDirectoryLock | undefined> {
  const accounts = new Set([process.getuid?.() ?? 0, (await stat(directory)).uid]);
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 32);
  const held: DataDirectoryLock[] = [];
  const release = async () => {
    for (const lock of held) await lock.release();
  };
  for (const account of accounts) {
    const lock = await lockName(`\0d3kos-central/${account}/${name}`);
    if (lock === undefined) {
      await release();
      return undefined;
    }
    held.push(lock);
  }
  return { release };
}

/**
 * A lock is the name of an abstract Unix socket: the kernel frees it the moment its holder dies, however it dies, so that it is
 * never stale.
 */
async function lockName(name: string): Promise<DataDirectoryLock | undefined> {
  const server = createServer((socket) => socket.destroy());
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(name, () => resolve(true));
  });
  if (!taken) return undefined;
  // The lock alone keeps no process running.
  server.unref();
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
