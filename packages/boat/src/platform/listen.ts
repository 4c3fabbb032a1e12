import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { ExportError } from './errors.ts';

/** Longest a client may take to send its request's head; the API is on this boat's loopback. */
const HEADERS_TIMEOUT_MS = 10_000;
/** Longest a client may take to send a whole request. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A server that answers. */
export interface Listening {
  readonly port: number;
  /** Takes no new connection and ends the open ones. */
  close(): Promise<void>;
}

/** Answers on `host`:`port` with `fetch`. Throws PORT_IN_USE, or CONFIG_INVALID where it may not be taken; each says what to do. */
export function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  host: string,
  port: number,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server: ServerType = serve(
      {
        fetch,
        hostname: host,
        port,
        serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      },
      () => {
        // A TCP server's address is an AddressInfo.
        const address = server.address() as AddressInfo;
        resolve({
          port: address.port,
          close: () =>
            new Promise((done) => {
              server.close(() => done());
              if ('closeAllConnections' in server) server.closeAllConnections();
            }),
        });
      },
    );
    server.on('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new ExportError('PORT_IN_USE', `Port ${port} on ${host} is already in use`, {
              op: 'listen',
              hint: 'Stop the program that uses it (ss -ltnp shows which), or set EXPORT_PORT to another port.',
              cause,
            })
          : new ExportError('CONFIG_INVALID', `Cannot listen on ${host}:${port}: ${cause.message}`, {
              op: 'listen',
              hint:
                cause.code === 'EACCES'
                  ? 'Set EXPORT_PORT to a port above 1023: those below are for root only.'
                  : 'Check that this address is one of this machine (ip address shows them), and EXPORT_PORT.',
              cause,
            }),
      );
    });
  });
}
