import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { CentralFailure } from './errors.ts';

/** Longest a connection may take to send its request's headers: ordinary ones fit in a few packets, also over a satellite. */
const HEADERS_MAX_MS = 30_000;

/**
 * Longest a connection may stay without a byte in either direction. Satellite links pause for up to 40 s; a statement takes at
 * most 25 s.
 */
const SILENCE_MAX_MS = 60_000;

/**
 * Longest one request may take in all, against senders of a byte a minute: 10 MiB at 64 kbit/s, which is a working link, take
 * 22 minutes.
 */
const REQUEST_MAX_MS = 30 * 60_000;

/** How long an idle connection is kept for a boat's next part. Above the boat's pause between parts, below what proxies keep. */
const KEEP_ALIVE_MS = 15_000;

/** Longest a stopping node waits for requests under way: a statement's limit, and the answer. */
const STOP_MAX_MS = 30_000;

/** A node that accepts requests. */
export interface Listener {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string;
  /** Accepts nothing more, lets requests under way end (at most 30 s), then closes what is left. */
  stop(): Promise<void>;
}

/** Listens on `host:port` (0: any free port). Throws PORT_IN_USE, which names the port. */
export async function listen(
  handler: (request: Request) => Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listener> {
  let isStopping = false;
  const answer = async (request: Request) => {
    const response = await handler(request);
    // Otherwise the connection would idle on, and the stop would wait for its keep-alive.
    if (isStopping) response.headers.set('Connection', 'close');
    return response;
  };
  // createAdaptorServer makes a node:http Server unless it is given another factory.
  const server = createAdaptorServer({ fetch: answer, hostname: host }) as Server;
  server.headersTimeout = HEADERS_MAX_MS;
  server.requestTimeout = REQUEST_MAX_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.setTimeout(SILENCE_MAX_MS);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(toListenFailure(error, host, port)));
    server.listen(port, host, resolve);
  });
  // A TCP server's address is an AddressInfo once it listens.
  const { address, port: taken, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    stop: () => {
      isStopping = true;
      return stopServer(server);
    },
  };
}

async function stopServer(server: Server): Promise<void> {
  const patience = setTimeout(() => server.closeAllConnections(), STOP_MAX_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(patience);
}

function toListenFailure(error: Error, host: string, port: number): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return new CentralFailure('PORT_IN_USE', `port ${port} on ${host} is in use`, {
      op: `listen on ${host}:${port}`,
      hint: 'stop the other program, or choose another port with CENTRAL_PORT or --port',
      cause: error,
    });
  return new CentralFailure('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${error.message}`, {
    op: `listen on ${host}:${port}`,
    hint: 'set CENTRAL_HOST to an address of this machine, and CENTRAL_PORT above 1023 unless run as root',
    cause: error,
  });
}
