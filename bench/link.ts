import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that can be cut and restored. It counts bytes and connections. */
export interface Link {
  readonly port: number;
  /** Returns the number of bytes that the boat has sent since the last call, including request headers. */
  takeSentBytes(): number;
  takeConnections(): number;
  /** Stops listening and resets open connections. */
  cut(): Promise<void>;
  /** Listens again. `firstByte` resolves to `performance.now()` when the first byte arrives. */
  restore(): Promise<{ readonly firstByte: Promise<number> }>;
  close(): Promise<void>;
}

/** Starts a link from a free port to the loopback port `target`. */
export async function startLink(target: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let sentBytes = 0;
  let connections = 0;
  let onFirstByte: ((atMs: number) => void) | undefined;
  const take = (socket: Socket): void => {
    connections += 1;
    const onward = connect({ port: target, host: '127.0.0.1', noDelay: true });
    socket.setNoDelay(true);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      // A failure on one side closes the other side, where the peer detects it.
      one.on('error', () => undefined);
    }
    socket.on('data', (chunk: Buffer) => {
      sentBytes += chunk.length;
      onFirstByte?.(performance.now());
      onFirstByte = undefined;
    });
    socket.pipe(onward);
    onward.pipe(socket);
  };
  let server = await listen(take, 0);
  const { port } = server;
  const cut = async (): Promise<void> => {
    for (const socket of sockets) socket.resetAndDestroy();
    await server.close();
  };
  return {
    port,
    takeSentBytes: () => {
      const taken = sentBytes;
      sentBytes = 0;
      return taken;
    },
    takeConnections: () => {
      const taken = connections;
      connections = 0;
      return taken;
    },
    cut,
    restore: async () => {
      const { promise, resolve } = Promise.withResolvers<number>();
      onFirstByte = resolve;
      server = await listen(take, port);
      return { firstByte: promise };
    },
    close: cut,
  };
}

function listen(
  take: (socket: Socket) => void,
  port: number,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer(take);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
      resolve({
        port: address.port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}
