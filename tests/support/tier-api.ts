import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Processes } from './processes.ts';

/** A boat's tier API. A test can change the answer to `GET /tier/status`. */
export interface TierApi {
  readonly url: string;
  asked(): number;
  answer(status: number, body: string, contentType?: string): void;
}

/** Starts a real HTTP server in place of the tier API. */
export async function startTierApi(
  processes: Processes,
  installationId: string,
  tier: number,
): Promise<TierApi> {
  let asked = 0;
  let next = {
    status: 200,
    body: JSON.stringify({ success: true, tier, installation_id: installationId, features: {} }),
    contentType: 'application/json',
  };
  const server: Server = createServer((request, response) => {
    asked += 1;
    if (request.url !== '/tier/status') response.writeHead(404).end();
    else response.writeHead(next.status, { 'content-type': next.contentType }).end(next.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  processes.atEnd(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    // A TCP server's address is an AddressInfo.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    answer: (status, body, contentType = 'application/json') => {
      next = { status, body, contentType };
    },
  };
}
