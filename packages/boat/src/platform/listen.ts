import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { ExportError, isExportError } from './errors.ts';

/** Timeout for a client to send the request headers. The API listens only on the boat's loopback interface. */
const HEADERS_TIMEOUT_MS = 10_000;
/** Timeout for a client to send a complete request. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A listening server. */
export interface Listening {
  readonly port: number;
  /** Refuses new connections and closes open ones. */
  close(): Promise<void>;
}

/** The loopback addresses. For the name `localhost`, browsers try the second address first. */
const LOOPBACK = { ipv4: '127.0.0.1', ipv6: '::1' } as const;

/**
 * Serves `fetch` on both loopback addresses, so that no other program can answer on `localhost`. If the first address is in use,
 * throws like `listen`. If the second one cannot be used, calls `onSecondRefused` with the reason, except on a machine without
 * IPv6, and serves only the first.
 */
export async function listenOnLoopback(
  fetch: (request: Request) => Response | Promise<Response>,
  port: number,
  onSecondRefused: (reason: string) => void,
): Promise<Listening> {
  const first = await listen(fetch, LOOPBACK.ipv4, port);
  try {
    const second = await listen(fetch, LOOPBACK.ipv6, first.port);
    return {
      port: first.port,
      close: async () => {
        await Promise.all([first.close(), second.close()]);
      },
    };
  } catch (error) {
    if (!isExportError(error)) {
      await first.close();
      throw error;
    }
    if (isExportError(error, 'PORT_IN_USE')) onSecondRefused(error.message);
    return first;
  }
}

/** Serves `fetch` on `host`:`port`. Throws PORT_IN_USE, or CONFIG_INVALID if the address cannot be used. */
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
        // A TCP server's address is always an AddressInfo.
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
              hint: 'Stop the program that uses the port (ss -ltnp shows it), or set EXPORT_PORT to another port.',
              cause,
            })
          : new ExportError('CONFIG_INVALID', `Cannot listen on ${host}:${port}: ${cause.message}`, {
              op: 'listen',
              hint:
                cause.code === 'EACCES'
                  ? 'Set EXPORT_PORT to a port above 1023. Only root may use lower ports.'
                  : 'Check EXPORT_PORT, and that the address belongs to this machine (ip address lists its addresses).',
              cause,
            }),
      );
    });
  });
}
