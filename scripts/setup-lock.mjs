// Keeps two set-ups of one checkout apart. Plain JavaScript without dependencies, as setup.mjs.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often the lock is asked for while another set-up holds it. */
const POLL_MS = 250;

/**
 * Resolves when no other set-up works on `folder`, with the function that lets the next one in; `onWait` is called once if
 * that takes waiting. The lock is the name of an abstract Unix socket, which the kernel frees however its holder ends: a
 * Ctrl-C in the middle of an install leaves nothing behind. A system without such sockets (not Linux, or Node before 20.5)
 * goes on without a lock.
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
