import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

/** A request that a scripted server received. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** The decoded body. */
  readonly body: Buffer;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  readonly connections: () => number;
  /** Sets the script for all later requests. */
  answer(script: Script): void;
  close(): Promise<void>;
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
  zstd: (bytes) => zstdDecompressSync(bytes),
};

/**
 * Starts a real HTTP server on loopback that replaces central and answers according to a script. Without `listenOn`, the server
 * listens on a free port.
 */
export async function startScriptedServer(first: Script, listenOn = 0): Promise<ScriptedServer> {
  let script = first;
  let connections = 0;
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const decode = DECODERS[String(request.headers['content-encoding'] ?? '')];
      const one: SeenRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: decode === undefined ? raw : decode(raw),
      };
      seen.push(one);
      script(one, response);
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(listenOn, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    connections: () => connections,
    answer: (next) => {
      script = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function json(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

export const HEALTHY = { service: 'd3kos-central', status: 'ok', time: '2026-01-01T00:00:00Z' };

/** Returns central's receipt for a request. `over` replaces individual fields. */
export function receiptFor(
  request: SeenRequest,
  over: Record<string, unknown> = {},
): Record<string, unknown> {
  const document = JSON.parse(request.body.toString('utf8'));
  return {
    status: 'success',
    import_id: 'import_1',
    export_id: document.export_id,
    part: document.part ?? { index: 1, count: 1 },
    sha256: createHash('sha256').update(request.body).digest('hex'),
    records_imported: {},
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-01-01T00:00:00Z',
    ...over,
  };
}

/** The script of a central that accepts everything and stores nothing. */
export const accepting: Script = (request, response) => {
  if (request.path === '/api/v1/health') json(response, 200, HEALTHY);
  else json(response, 200, receiptFor(request));
};

/** Returns the script of a central that answers health requests and handles imports with `script`. */
export function importing(script: Script): Script {
  return (request, response) =>
    request.path === '/api/v1/health' ? json(response, 200, HEALTHY) : script(request, response);
}
