import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** Parameters that PgBouncer accepts in a client's first message. It refuses all others. */
const STARTUP_PARAMETERS = [
  'user',
  'database',
  'client_encoding',
  'datestyle',
  'timezone',
  'application_name',
];

/** Number of server connections per client. With two, every other transaction lacks the session state. */
const SERVER_CONNECTIONS = 2;

/** A pooler that listens on loopback. */
export interface Pooler {
  readonly url: (user: string) => string;
  close(): Promise<void>;
}

/**
 * Starts a stand-in for a connection pooler in transaction mode in front of the PostgreSQL whose socket is in `socketDir`. It
 * refuses the startup parameters that PgBouncer refuses, and switches the client to another server connection after each
 * transaction.
 */
export async function startPooler(socketDir: string): Promise<Pooler> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    keep(sockets, client);
    client.once('data', (startup) => serveClient(client, startup, socketDir, sockets));
  });
  const port = await listenOnLoopback(server);
  return {
    url: (user) => `postgres://${user}@127.0.0.1:${port}/postgres`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Starts a server that refuses every connection with this SQLSTATE, as PostgreSQL or a pooler does. */
export async function startRefusingServer(state: string, message: string): Promise<Pooler> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    keep(sockets, client);
    client.once('data', () => client.end(toErrorMessage(state, message)));
  });
  const port = await listenOnLoopback(server);
  return {
    url: (user) => `postgres://${user}@127.0.0.1:${port}/postgres`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listenOnLoopback(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is an AddressInfo.
  return (server.address() as AddressInfo).port;
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}

function serveClient(client: Socket, startup: Buffer, socketDir: string, sockets: Set<Socket>): void {
  const fields = startup.subarray(8, startup.readInt32BE(0)).toString('utf8').split('\0');
  const strange = fields.find(
    (field, at) => at % 2 === 0 && field !== '' && !STARTUP_PARAMETERS.includes(field.toLowerCase()),
  );
  if (strange !== undefined) {
    client.end(toErrorMessage('08P01', `unsupported startup parameter: ${strange}`));
    return;
  }
  let current = 0;
  const servers = Array.from({ length: SERVER_CONNECTIONS }, (_, at) => {
    const server = connect(join(socketDir, '.s.PGSQL.5432'));
    keep(sockets, server);
    server.write(startup);
    let readyCount = 0;
    server.on(
      'data',
      splitMessages((message) => {
        const isReady = message[0] === 'Z'.charCodeAt(0);
        readyCount += isReady ? 1 : 0;
        // The client receives the greeting of the first connection only.
        if (at !== 0 && (readyCount === 0 || (isReady && readyCount === 1))) return;
        client.write(message);
        const isBetweenTransactions = message[5] === 'I'.charCodeAt(0);
        if (isReady && isBetweenTransactions) current = (current + 1) % SERVER_CONNECTIONS;
      }),
    );
    return server;
  });
  client.on('data', (data) => servers[current]?.write(data));
  client.on('close', () => {
    for (const server of servers) server.destroy();
  });
}

/** Returns a listener that forwards complete messages, each consisting of a type, a length and the content. */
function splitMessages(take: (message: Buffer) => void): (data: Buffer) => void {
  let held = Buffer.alloc(0);
  return (data) => {
    held = Buffer.concat([held, data]);
    while (held.length >= 5) {
      const length = held.readInt32BE(1) + 1;
      assert.ok(length > 4);
      if (held.length < length) return;
      take(held.subarray(0, length));
      held = held.subarray(length);
    }
  };
}

function toErrorMessage(state: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${state}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
