import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { type Transport, TransportError } from '../platform/ports.ts';
import { createTransport } from '../platform/transport.ts';
import { probe } from './probe.ts';

const NEVER = new AbortController().signal;
const HEALTH = { service: 'd3kos-central', status: 'ok', time: '2026-11-23T12:00:00.000Z' };

const closings: (() => void)[] = [];
after(() => {
  for (const close of closings) close();
});

async function listen(server: Server): Promise<string> {
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // A listening TCP server always has an address with a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function look(centralUrl: string, signal = NEVER) {
  const http = createTransport({ silenceMs: 200 });
  closings.push(() => http.close());
  return probe({ transport: http.transport }, { centralUrl, clockSynchronized: false }, signal);
}

const json =
  (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(JSON.stringify(value));

describe('a probe of central', () => {
  it('recognises central by its service name, returns its time and codings, and sends no token', async () => {
    let asked = '';
    let headers: IncomingHttpHeaders = {};
    const answer = json(200, HEALTH, { 'accept-encoding': 'gzip, br' });
    const url = await listen(
      createServer((request, response) => {
        asked = `${request.method} ${request.url}`;
        headers = request.headers;
        answer(request, response);
      }),
    );
    assert.deepEqual(await look(url), {
      kind: 'central',
      timeWallMs: Date.parse(HEALTH.time),
      offers: ['gzip', 'br'],
    });
    assert.equal(asked, 'GET /api/v1/health');
    assert.equal(headers['authorization'], undefined);
  });

  it('uses the Date header if the time in the body is invalid', async () => {
    const date = 'Mon, 23 Nov 2026 12:00:00 GMT';
    const url = await listen(createServer(json(200, { ...HEALTH, time: 'noon' }, { date })));
    const result = await look(url);
    assert.ok(result.kind === 'central');
    assert.equal(result.timeWallMs, Date.parse(date));
  });

  const refusal = { status: 'error', error_code: 'UNAVAILABLE', message: 'x' };
  const answers: readonly (readonly [name: string, listener: RequestListener, kind: string])[] = [
    ['HTML', (_, response) => response.end('<html>Sign in</html>'), 'captive_portal'],
    ['other JSON', json(200, { status: 'ok' }), 'captive_portal'],
    ['the health of another service', json(200, { ...HEALTH, service: 'x' }), 'captive_portal'],
    ['nothing', (_, response) => response.end(), 'captive_portal'],
    ['an endless page', (_, response) => response.end(Buffer.alloc(2_000_000)), 'captive_portal'],
    ['a redirect', json(302, HEALTH, { location: '/login' }), 'captive_portal'],
    ['511', json(511, refusal), 'captive_portal'],
    ['404 from another server', json(404, {}), 'captive_portal'],
    ["a proxy's 502", (_, response) => response.writeHead(502).end('<html>'), 'unavailable'],
    ["central's 503", json(503, refusal), 'unavailable'],
    ["central's 429", json(429, refusal), 'unavailable'],
    ['its health with 503', json(503, HEALTH), 'unavailable'],
    ['a reset', (request) => request.socket.resetAndDestroy(), 'nothing'],
    ['silence', () => undefined, 'nothing'],
  ];
  for (const [name, listener, kind] of answers)
    it(`finds ${kind} in ${name}`, async () =>
      assert.equal((await look(await listen(createServer(listener)))).kind, kind));

  it('finds nothing if no server listens', async () => {
    const url = await listen(createTcpServer());
    closings.pop()?.();
    assert.deepEqual(await look(url), { kind: 'nothing', code: 'ECONNREFUSED' });
  });

  const handshakes: readonly (readonly [code: string, clockSynchronized: boolean, kind: string])[] = [
    ['CERT_NOT_YET_VALID', true, 'clock_wrong'],
    ['CERT_HAS_EXPIRED', false, 'clock_wrong'],
    ['CERT_HAS_EXPIRED', true, 'nothing'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', true, 'untrusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true, 'untrusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', true, 'captive_portal'],
    ['ECONNRESET', true, 'nothing'],
  ];
  for (const [code, clockSynchronized, kind] of handshakes)
    it(`finds ${kind} if the handshake fails with ${code}${clockSynchronized ? ' and the clock is right' : ''}`, async () => {
      const transport: Transport = () => Promise.reject(new TransportError('tls', code, code));
      const target = { centralUrl: 'https://central.example', clockSynchronized };
      assert.equal((await probe({ transport }, target, NEVER)).kind, kind);
    });

  it('ends immediately when aborted', async () => {
    const stop = new AbortController();
    const url = await listen(createServer(() => stop.abort(new Error('stopping'))));
    await assert.rejects(look(url, stop.signal), /stopping/);
  });
});
