import type { IncomingMessage, ServerResponse } from 'node:http';
import { serveHttp } from './transport-servers.ts';

/** A request that the stub received. */
export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

/**
 * Starts a small Signal K server that supports access requests and the Notifications API and answers like version 2.23. `mode`
 * determines how it handles notification requests.
 */
export async function startSignalKStub() {
  const stub = {
    mode: 'open' as 'open' | 'secured' | 'without_api' | 'failing',
    seen: [] as StubRequest[],
    /** Each notification's state, by ID. */
    notifications: new Map<string, { path: string; state: string; message: string }>(),
    decision: undefined as { permission: string; token?: string } | undefined,
    validToken: undefined as string | undefined,
    /** Clears the state that a real server keeps only in memory. */
    restart: () => {
      stub.notifications.clear();
      requests.clear();
    },
    approve: (token: string) => {
      stub.decision = { permission: 'APPROVED', token };
      stub.validToken = token;
    },
  };
  const requests = new Set<string>();
  let numbers = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const { method = '', url: path = '' } = request;
    stub.seen.push({ method, path, body, authorization: request.headers.authorization });
    const reply = (status: number, value: unknown): void => json(response, status, value);
    if (path === '/signalk/v1/access/requests') {
      const href = `/signalk/v1/requests/${(numbers += 1)}`;
      requests.add(href);
      return reply(202, { state: 'PENDING', statusCode: 202, href });
    }
    if (path.startsWith('/signalk/v1/requests/')) {
      if (!requests.has(path)) return void response.writeHead(500).end('Unable to check request: not found');
      return stub.decision === undefined
        ? reply(200, { state: 'PENDING', statusCode: 202, href: path })
        : reply(200, { state: 'COMPLETED', statusCode: 200, accessRequest: stub.decision });
    }
    if (stub.mode === 'without_api') return reply(404, {});
    if (stub.mode === 'failing') return reply(500, {});
    const isValid = request.headers.authorization === `Bearer ${stub.validToken}`;
    if (stub.mode === 'secured' && !isValid) return reply(401, {});
    handleNotification(stub.notifications, method, path, body, () => `n-${(numbers += 1)}`, reply);
  };
  const { url } = await serveHttp((request, response) => void answer(request, response));
  return Object.assign(stub, { url });
}

function handleNotification(
  notifications: Map<string, { path: string; state: string; message: string }>,
  method: string,
  path: string,
  body: string,
  newId: () => string,
  reply: (status: number, value: unknown) => void,
): void {
  if (method === 'POST') {
    const id = newId();
    notifications.set(id, JSON.parse(body));
    return reply(200, { state: 'COMPLETED', statusCode: 200, id });
  }
  const id = path.split('/').at(-1) ?? '';
  const notification = notifications.get(id);
  if (notification === undefined)
    return method === 'GET' ? reply(200, { state: 'FAILED', statusCode: 404 }) : reply(400, {});
  if (method === 'PUT') Object.assign(notification, JSON.parse(body));
  if (method === 'DELETE') notification.state = 'normal';
  return reply(200, method === 'GET' ? { value: notification } : { state: 'COMPLETED', statusCode: 200 });
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
