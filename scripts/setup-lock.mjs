// Lets one set-up of a checkout run at a time. Plain JavaScript without dependencies, like setup.mjs.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often to try the lock while another set-up holds it. */
const POLL_MS = 250;

/**
 * Resolves with a function that releases the lock, once no other set-up holds the lock of `folder`. Calls `onWait` once if it has
 * to wait. The lock is the name of an abstract Unix socket, which the kernel frees however its holder ends, so that Ctrl-C during
 * an install leaves nothing behind. A system without such sockets (not Linux, or Node before 20.5) gets no lock.
 */
export async function takeSetupLock(folder, onWait) {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  let hasWaited = false;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    const code = await new Promise((resolve) => {
      server.once('error', (error) => resolve(error.code));
      server.listen(`\0d3kos-setup/${name}`, () => resolve(undefined));
    });
    if (code === undefined) return () => server.close();
    if (code !== 'EADDRINUSE') return () => undefined;
    if (!hasWaited) onWait();
    hasWaited = true;
    await sleep(POLL_MS);
  }
}
