import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';

/** The exclusive lock on a data directory. Only its holder may run PostgreSQL there. */
export interface DataDirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a data directory, or returns undefined while another live process of this machine holds it. `directory` is
 * the real path. The lock is held for the current account and for the account that owns the directory. Root, which can use every
 * directory, therefore sees the owner's lock, and an unrelated account cannot block an owner.
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
 * Takes the name of an abstract Unix socket as the lock. The kernel releases the name when the process ends for any reason, so
 * the lock is never stale.
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
  // The lock must not keep the process running.
  server.unref();
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
