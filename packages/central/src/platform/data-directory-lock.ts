import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

/** The right to run a PostgreSQL on one data directory. */
export interface DataDirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes a data directory's lock, or gives undefined while another live process of this machine holds it. The lock is the name of
 * an abstract Unix socket: the kernel frees it the moment its holder dies, however it dies, so that it is never stale.
 * `directory` is the real path.
 */
export async function lockDataDirectory(directory: string): Promise<DataDirectoryLock | undefined> {
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(`\0d3kos-central/${process.getuid?.() ?? 0}/${name}`, () => resolve(true));
  });
  if (!taken) return undefined;
  // The lock alone keeps no process running.
  server.unref();
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
