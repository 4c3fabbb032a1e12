import { createServer, type Server } from 'node:http';

/** Stands in for the boat's tier service: `GET /tier/status`, as docs/spec/sources.md, "Tier and licence" describes it. */
export function startTierApi(port: number, installationId: string, tier: number): Promise<Server> {
  const server = createServer((request, response) => {
    const isKnown = request.method === 'GET' && request.url === '/tier/status';
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        isKnown ? { success: true, tier, installation_id: installationId, features: {} } : { success: false },
      ),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
