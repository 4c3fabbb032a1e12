import { IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { CentralFailure } from './errors.ts';
import { toBodySource } from './incoming-body.ts';
import type { BodySource } from './ports.ts';

/** Longest time in which a connection may send its request headers. Ordinary headers fit in a few packets. */
const HEADERS_MAX_MS = 30_000;

/**
 * Longest silence of a connection in both directions, unless the route needs more time for its answer. Satellite links pause for
 * up to 40 s, and a statement takes at most 25 s.
 */
const SILENCE_MAX_MS = 60_000;

/**
 * Longest duration of one request. It stops clients that send one byte a minute. On a slow but working link of 64 kbit/s, 10 MiB
 * take 22 minutes.
 */
const REQUEST_MAX_MS = 30 * 60_000;

/**
 * Time for which an idle connection stays open: longer than a boat's pause between parts, and shorter than the timeouts of
 * proxies.
 */
const KEEP_ALIVE_MS = 15_000;

/** How long a stopping node waits for requests in progress: the time limit of a statement, plus time for the answer. */
const STOP_MAX_MS = 30_000;

/** The connection of a request. */
export interface Connection {
  readonly remoteAddress: string | undefined;
  /** Reads the body of the request, in place of the body of the `Request`. */
  readonly body?: BodySource;
  /**
   * Replaces the limit on the connection's silence for the rest of this request, whose answer may take longer. The next request on
   * the connection has the usual limit again.
   */
  readonly limitSilence?: (maxMs: number) => void;
}

/** A node that accepts requests. */
export interface Listener {
  /** `http://host:port` with the actual port, even if port 0 was requested. */
  readonly url: string;
  /** Stops accepting connections, waits up to 30 s for requests in progress, then closes the remaining connections. */
  stop(): Promise<void>;
}

/** Listens on `host:port`. Port 0 selects any free port. Throws PORT_IN_USE, which names the port, or CONFIG_INVALID. */
export async function listen(
  handler: (request: Request, connection: Connection) => Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listener> {
  let isStopping = false;
  const answer = async (request: Request, { incoming }: HttpBindings | Http2Bindings) => {
    const { remoteAddress } = incoming.socket;
    // The server below uses HTTP/1.1, whose requests are IncomingMessages.
    const response = await handler(request, {
      remoteAddress,
      limitSilence: (maxMs) => void incoming.socket.setTimeout(maxMs),
      ...(incoming instanceof IncomingMessage ? { body: toBodySource(incoming) } : {}),
    });
    // Otherwise the connection would stay open, and the stopping node would wait for its keep-alive timeout.
    if (isStopping) response.headers.set('Connection', 'close');
    return response;
  };
  // createAdaptorServer creates a node:http Server unless it is given a different factory.
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
    hint: 'set CENTRAL_HOST to an address of this machine; a port below 1024 needs root',
    cause: error,
  });
}
