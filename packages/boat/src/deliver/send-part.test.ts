import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ContentCoding } from '@d3kos/protocol';
import { createClock } from '../platform/clock.ts';
import { createCompressor } from '../platform/compressor.ts';
import { createTransport } from '../platform/transport.ts';
import type { Outcome } from './outcome.ts';
import { type PartToSend, type SentPart, sendPart } from './send-part.ts';

const NEVER = new AbortController().signal;
const BODY = Buffer.from(`{"data":{"boatlog":{"entries":[\n${'{"record_id":"1"},\n'.repeat(500)}]}}}`);
const SHA256 = createHash('sha256').update(BODY).digest('hex');
const RECEIPT = {
  status: 'success',
  import_id: 'import_1',
  export_id: 'export_1',
  part: { index: 2, count: 3 },
  sha256: SHA256,
  records_imported: { boatlog: 500 },
  rejected_records: [{ category: 'boatlog', record_id: '7', reason: 'no timestamp' }],
  duplicate: false,
  timestamp: '2026-11-23T12:00:00Z',
};
const refusal = (errorCode: string) => ({ status: 'error', error_code: errorCode, message: 'because' });

const closings: (() => void)[] = [];
after(() => {
  for (const close of closings) close();
});

async function listen(server: Server): Promise<string> {
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
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Seen {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

/** Starts a server that records each complete request and answers it with `answer`. */
async function serve(answer: (response: ServerResponse, seen: Seen) => void) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { request, body: Buffer.concat(chunks) };
      seen.push(one);
      answer(response, one);
    });
  });
  return { url: await listen(server), seen };
}

const json =
  (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  };
const html =
  (status: number, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<html>Sign in</html>');
  };

async function send(
  centralUrl: string,
  changes: Partial<PartToSend> = {},
  signal = NEVER,
): Promise<SentPart> {
  const http = createTransport({ silenceMs: 2_000, slowestBytesPerSecond: 1e12, connectTimeoutMs: 10_000 });
  closings.push(() => http.close());
  const deps = {
    transport: http.transport,
    compressor: createCompressor(),
    clock: createClock(),
    // A send must not wait for the clock's state unless its TLS handshake fails.
    clockSynchronized: () => Promise.reject(new Error('the clock was queried')),
  };
  const part: PartToSend = {
    centralUrl,
    token: 'secret-token',
    ledgerId: '00112233445566ff',
    bundlePublicKey: undefined,
    exportId: 'export_1',
    part: { index: 2, count: 3 },
    body: BODY,
    coding: 'gzip',
    bytesPerSecondMax: undefined,
    ...changes,
  };
  return sendPart(deps, part, signal);
}

describe('a part on the wire', () => {
  const decoders: Readonly<Record<ContentCoding, (bytes: Buffer) => Buffer>> = {
    identity: (bytes) => bytes,
    gzip: gunzipSync,
    br: brotliDecompressSync,
    zstd: zstdDecompressSync,
  };
  for (const coding of ['identity', 'gzip', 'br', 'zstd'] as const)
    it(`has the headers that the protocol requires, with its body as ${coding}`, async () => {
      const { url, seen } = await serve(json(200, RECEIPT));
      const { outcome, wireSizeBytes } = await send(url, { coding });
      assert.equal(outcome.kind, 'receipt');
      const [one] = seen;
      assert.ok(one !== undefined && seen.length === 1);
      const { request, body } = one;
      assert.equal(`${request.method} ${request.url}`, 'POST /api/v1/data/import');
      const { headers } = request;
      assert.equal(headers['authorization'], 'Bearer secret-token');
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['content-encoding'], coding === 'identity' ? undefined : coding);
      assert.equal(headers['idempotency-key'], 'export_1/2');
      const digest = createHash('sha256').update(body).digest('base64');
      assert.equal(headers['content-digest'], `sha-256=:${digest}:`);
      assert.equal(headers['content-length'], String(body.byteLength));
      assert.equal(wireSizeBytes, body.byteLength);
      assert.deepEqual(Buffer.from(decoders[coding](body)), BODY);
    });

  it('is sent without a coding if compression would make it larger', async () => {
    const body = randomBytes(1_000);
    const { url, seen } = await serve(json(200, RECEIPT));
    await send(url, { body });
    assert.equal(seen[0]?.request.headers['content-encoding'], undefined);
    assert.deepEqual(seen[0]?.body, body);
  });

  it('of several megabytes arrives completely', async () => {
    const body = randomBytes(3_000_000);
    const { url, seen } = await serve(json(200, RECEIPT));
    await send(url, { body, coding: 'identity' });
    assert.deepEqual(seen[0]?.body, body);
  });
});

describe('the outcome of a sent part', () => {
  it('is a receipt if export, part and body match, and includes the codings that central offers', async () => {
    const { url } = await serve(json(200, RECEIPT, { 'accept-encoding': 'gzip, zstd' }));
    const { outcome } = await send(url);
    assert.deepEqual(outcome, {
      kind: 'receipt',
      receipt: RECEIPT,
      offers: ['gzip', 'zstd'],
      missing: undefined,
    });
    const { url: again } = await serve(json(201, { ...RECEIPT, duplicate: true }));
    assert.equal((await send(again)).outcome.kind, 'receipt');
  });

  const mismatches: readonly (readonly [name: string, receipt: unknown])[] = [
    ['another export', { ...RECEIPT, export_id: 'export_2' }],
    ['another part', { ...RECEIPT, part: { index: 1, count: 3 } }],
    ['another number of parts', { ...RECEIPT, part: { index: 2, count: 2 } }],
    ['another body', { ...RECEIPT, sha256: '0'.repeat(64) }],
  ];
  for (const [name, receipt] of mismatches)
    it(`is not a receipt if central's answer is for ${name}`, async () => {
      const { url } = await serve(json(200, receipt));
      assert.equal((await send(url)).outcome.kind, 'receipt_mismatch');
    });

  it('is not a receipt if the digest is that of the compressed body', async () => {
    const { url } = await serve((response, { body }) =>
      json(200, { ...RECEIPT, sha256: createHash('sha256').update(body).digest('hex') })(response),
    );
    assert.equal((await send(url)).outcome.kind, 'receipt_mismatch');
  });

  const answers: readonly (readonly [name: string, answer: (r: ServerResponse) => void, outcome: string])[] =
    [
      ['200 with HTML', html(200), 'not_central html 200'],
      [
        '200 with HTML declared as JSON',
        (r) => r.writeHead(200, { 'content-type': 'application/json' }).end(' <!DOCTYPE html>'),
        'not_central html 200',
      ],
      ['200 with other JSON', json(200, { ok: true }), 'not_central other_json 200'],
      ['200 with half a receipt', json(200, { ...RECEIPT, sha256: undefined }), 'not_central other_json 200'],
      ['200 with a refusal', json(200, refusal('X')), 'not_central other_json 200'],
      ['200 with nothing', (r) => r.end(), 'not_central garbage 200'],
      ['204', (r) => r.writeHead(204).end(), 'not_central garbage 204'],
      ['200 with text', (r) => r.end('OK'), 'not_central garbage 200'],
      ['200 without end', (r) => r.end(Buffer.alloc(2_000_000, 32)), 'not_central garbage 200'],
      ['302', html(302, { location: 'http://portal.example/?mac=00:11:22' }), 'not_central redirect 302'],
      ['a redirect with a receipt', json(307, RECEIPT, { location: '/x' }), 'not_central redirect 307'],
      ['511', html(511), 'not_central status_511 511'],
      ["511 in central's refusal format", json(511, refusal('X')), 'not_central status_511 511'],
      ['a receipt with 400', json(400, RECEIPT), 'not_central other_json 400'],
      ['404 with HTML', html(404), 'not_central html 404'],
      ['502 with HTML', html(502), 'not_central html 502'],
      ['503 with other JSON', json(503, { error: 'busy' }), 'not_central other_json 503'],
      [
        '400',
        json(400, { ...refusal('INVALID_FORMAT'), required_version: '1.0' }),
        'refused INVALID_FORMAT 400',
      ],
      ['401', json(401, refusal('INVALID_TOKEN')), 'refused INVALID_TOKEN 401'],
      ['403', json(403, refusal('INSTALLATION_MISMATCH')), 'refused INSTALLATION_MISMATCH 403'],
      ['409', json(409, refusal('IDEMPOTENCY_CONFLICT')), 'refused IDEMPOTENCY_CONFLICT 409'],
      ['413', json(413, refusal('BODY_TOO_LARGE')), 'refused BODY_TOO_LARGE 413'],
      ['429', json(429, refusal('TOO_MANY_REQUESTS')), 'refused TOO_MANY_REQUESTS 429'],
      ['500', json(500, refusal('INTERNAL')), 'refused INTERNAL 500'],
    ];
  for (const [name, answer, expected] of answers)
    it(`is "${expected}" if the answer is ${name}`, async () => {
      const { url } = await serve(answer);
      const { outcome } = await send(url);
      const described =
        outcome.kind === 'refused'
          ? `refused ${outcome.errorCode} ${outcome.status}`
          : outcome.kind === 'not_central'
            ? `not_central ${outcome.reason} ${outcome.status}`
            : outcome.kind;
      assert.equal(described, expected);
    });

  it('contains only the host of a redirect', async () => {
    const { url } = await serve(html(302, { location: 'http://portal.example/?mac=00:11:22' }));
    const { outcome } = await send(url);
    assert.ok(outcome.kind === 'not_central');
    assert.equal(outcome.detail, 'It redirects to portal.example');
  });

  it("contains the requested delay, given in seconds or as a date on the sender's clock", async () => {
    const dates = { date: 'Mon, 23 Nov 2020 12:00:00 GMT', 'retry-after': 'Mon, 23 Nov 2020 12:02:00 GMT' };
    const table = [
      [json(429, refusal('X'), { 'retry-after': '90' }), 90_000],
      [json(503, refusal('X'), dates), 120_000],
      [html(503, { 'retry-after': '5' }), 5_000],
      [json(503, refusal('X'), { 'retry-after': 'later' }), undefined],
      [json(503, refusal('X')), undefined],
    ] as const;
    for (const [answer, expected] of table) {
      const { outcome } = await send((await serve(answer)).url);
      assert.ok(outcome.kind === 'refused' || outcome.kind === 'not_central');
      assert.equal(outcome.retryAfterMs, expected);
    }
  });

  const lost: readonly (readonly [name: string, onData: (socket: Socket) => void, outcome: Outcome])[] = [
    [
      'the connection is reset in the middle of the body',
      (socket) => socket.resetAndDestroy(),
      { kind: 'answer_lost', code: 'ECONNRESET' },
    ],
    [
      'the connection is closed without an answer',
      (socket) => socket.end(),
      { kind: 'answer_lost', code: 'ECONNRESET' },
    ],
    ['central does not answer', () => undefined, { kind: 'stalled' }],
  ];
  for (const [name, onData, expected] of lost)
    it(`is ${expected.kind} if ${name}`, async () => {
      const url = await listen(createTcpServer((socket) => socket.once('data', () => onData(socket))));
      assert.deepEqual((await send(url)).outcome, expected);
    });

  it('is stalled or lost if the answer stops halfway', async () => {
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"status":';
    const url = await listen(createTcpServer((socket) => socket.once('data', () => socket.write(half))));
    // The limits on silence and on the complete answer expire at nearly the same time, and either may come first.
    assert.match((await send(url)).outcome.kind, /^(stalled|answer_lost)$/);
  });

  it('is a lost answer if it breaks off', async () => {
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"status":';
    const url = await listen(createTcpServer((socket) => socket.once('data', () => socket.end(half))));
    assert.equal((await send(url)).outcome.kind, 'answer_lost');
  });

  it('is "no connection" if no server is listening', async () => {
    const url = await listen(createTcpServer());
    closings.pop()?.();
    assert.deepEqual((await send(url)).outcome, {
      kind: 'no_connection',
      phase: 'connect',
      code: 'ECONNREFUSED',
    });
  });

  it('ends immediately when aborted', async () => {
    const stop = new AbortController();
    const url = await listen(
      createTcpServer((socket) => socket.once('data', () => stop.abort(new Error('stopping')))),
    );
    await assert.rejects(send(url, {}, stop.signal), /stopping/);
    await assert.rejects(send(url, {}, stop.signal), /stopping/);
  });
});
