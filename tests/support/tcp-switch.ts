import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A TCP proxy on loopback in front of a database. Like an operator's virtual address, it can be redirected to another server, or
 * stop forwarding.
 */
export interface TcpSwitch {
  readonly port: number;
  /** Closes every connection, and sends new ones to `port`. Undefined refuses them. */
  leadTo(port: number | undefined): void;
  /** Forwards no bytes until `resume`. The connections stay open. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/** Opens a switch that forwards to `port`. */
export async function openTcpSwitch(port: number): Promise<TcpSwitch> {
  let target: number | undefined = port;
  let isPaused = false;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    if (isPaused) socket.pause();
  };
  const server = createServer((client) => {
    if (target === undefined) {
      client.destroy();
      return;
    }
    const database = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (!isPaused) from.resume();
      });
      from.once('close', () => to.destroy());
      keep(from);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    // A TCP server's address is an AddressInfo.
    port: (server.address() as AddressInfo).port,
    leadTo(next) {
      target = next;
      endAll();
    },
    pause() {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
