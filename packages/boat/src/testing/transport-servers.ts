import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { after } from 'node:test';
import { TransportError } from '../platform/ports.ts';
import { createTransport, type TransportOptions } from '../platform/transport.ts';

/** Functions that close opened resources after a file's tests. */
export const closings: (() => void)[] = [];
after(() => {
  for (const close of closings) close();
});

/** Starts a server on its own port and records its connections. */
export async function listen(server: Server): Promise<{ readonly port: number; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // A listening TCP server always has an address with a port.
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** Starts an HTTP server on its own port. */
export async function serveHttp(listener: RequestListener) {
  const { port, sockets } = await listen(createServer(listener));
  return { url: `http://127.0.0.1:${port}`, sockets };
}

/** Starts a server whose handler reads raw bytes and may write any answer. */
export async function serveRaw(onConnection: (socket: Socket) => void) {
  const { port } = await listen(createTcpServer(onConnection));
  return { url: `http://127.0.0.1:${port}`, port };
}

/** Creates a transport that is closed after the tests. */
export function open(options: TransportOptions = {}) {
  const transport = createTransport(options);
  closings.push(() => transport.close());
  return transport;
}

/** Returns a body of `sizeBytes` that sends each chunk only after `next` resolves. */
export function toBody(
  sizeBytes: number,
  chunkBytes: number,
  next: () => Promise<void> = async () => undefined,
) {
  let leftBytes = sizeBytes;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        await next();
        const size = Math.min(leftBytes, chunkBytes);
        leftBytes -= size;
        controller.enqueue(new Uint8Array(size));
        if (leftBytes === 0) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Returns a request with a body of `sizeBytes`. */
export function post(url: string, sizeBytes: number, body: ReadableStream<Uint8Array>): Request {
  return new Request(url, {
    method: 'POST',
    headers: { 'content-length': String(sizeBytes) },
    body,
    duplex: 'half',
  });
}

/** Creates a function that waits `delayMs` before each chunk of a body. */
export const ticks = (delayMs: number) => () => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

/** Returns the transport error that makes `work` fail. */
export async function failureOf(work: Promise<unknown>): Promise<TransportError> {
  const error: unknown = await work.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TransportError, String(error));
  return error;
}
