// Ensures that only one process at a time fills a folder. This is plain JavaScript without dependencies, because setup.mjs uses it.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Interval between attempts to take the lock while another process holds it. */
const POLL_MS = 250;

/**
 * Waits until no other process holds the lock for `folder`, takes the lock, and resolves to a function that releases it. Calls
 * `onWait` once if it has to wait. The lock is the name of an abstract Unix socket. The kernel releases the name however its holder
 * ends, so Ctrl-C during an install leaves nothing behind. There is no lock on systems without abstract sockets (not Linux, or Node
 * before 20.5).
 */
export async function takeFolderLock(folder, onWait) {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  let hasWaited = false;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    const code = await new Promise((resolve) => {
      server.once('error', (error) => resolve(error.code));
      server.listen(`\0d3kos-folder/${name}`, () => resolve(undefined));
    });
    if (code === undefined) return () => server.close();
    if (code !== 'EADDRINUSE') return () => undefined;
    if (!hasWaited) onWait();
    hasWaited = true;
    await sleep(POLL_MS);
  }
}
