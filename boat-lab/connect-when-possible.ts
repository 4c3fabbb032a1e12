import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Interval between attempts. QEMU does not report that it has opened its sockets. */
const PAUSE_MS = 50;

/** Connects to a socket of a QEMU that has just been started, once it listens. Throws if QEMU ends before that. */
export async function connectWhenPossible(socketPath: string, hasEnded: () => boolean): Promise<Socket> {
  for (;;) {
    const socket = connect(socketPath);
    const isConnected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isConnected) return socket;
    if (hasEnded()) throw new Error('QEMU ended before it opened its sockets');
    await sleep(PAUSE_MS);
  }
}
