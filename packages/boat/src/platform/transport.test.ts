import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import {
  closings,
  failureOf,
  listen,
  open,
  post,
  serveHttp,
  serveRaw,
  ticks,
  toBody,
} from '../testing/transport-servers.ts';
import { readAnswer, SILENT_CODE } from './transport-answer.ts';

const NEVER = new AbortController().signal;
const MEGABYTE = 1_000_000;

/** Answers with the body's length and framing and the connection number. */
const echo: RequestListener = (request, response) => {
  let sizeBytes = 0;
  request.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
  });
  request.on('end', () => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    response.end(
      JSON.stringify({
        sizeBytes,
        length,
        encoding,
        method: request.method,
        port: request.socket.remotePort,
      }),
    );
  });
};

describe('an exchange', () => {
  it('sends the request unchanged and returns the answer unchanged', async () => {
    const { url } = await serveHttp((request, response) => {
      response.writeHead(418, { 'x-seen': `${request.headers['x-sent']}`, 'set-cookie': ['a=1', 'b=2'] });
      response.end('teapot');
    });
    const response = await open().transport(
      new Request(`${url}/a?b=c`, { headers: { 'x-sent': 'yes' } }),
      NEVER,
    );
    assert.equal(response.status, 418);
    assert.equal(response.headers.get('x-seen'), 'yes');
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(await response.text(), 'teapot');
  });

  it('streams a body with its declared length', async () => {
    const { url } = await serveHttp(echo);
    const response = await open().transport(post(url, MEGABYTE, toBody(MEGABYTE, 256 * 1024)), NEVER);
    const seen = (await response.json()) as Record<string, unknown>;
    assert.equal(seen['sizeBytes'], MEGABYTE);
    assert.equal(seen['length'], String(MEGABYTE));
    assert.equal(seen['encoding'], undefined);
  });

  it('does not follow a redirect', async () => {
    const { url, sockets } = await serveHttp((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/login' }).end();
    });
    const response = await open().transport(new Request(url), NEVER);
    assert.equal(response.status, 302);
    assert.equal(await response.text(), '');
    assert.equal(sockets.length, 1);
  });

  it('returns answers without a body, and rejects invalid statuses', async () => {
    const { url } = await serveHttp((_, response) => response.writeHead(204).end());
    assert.equal((await open().transport(new Request(url), NEVER)).body, null);
    const odd = await serveRaw((socket) => socket.end('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'));
    const failure = await failureOf(open().transport(new Request(odd.url), NEVER));
    assert.deepEqual([failure.phase, failure.code], ['exchange', 'HTTP_STATUS_INVALID']);
  });

  it('drops an invalid header, such as captive portals send', async () => {
    const head = 'HTTP/1.1 200 OK\r\nx-title: \u65e5\u672c\r\nx-plain: yes\r\ncontent-length: 2\r\n\r\nok';
    const { url } = await serveRaw((socket) => socket.end(Buffer.from(head, 'utf8')));
    const response = await open().transport(new Request(url), NEVER);
    assert.equal(response.headers.get('x-plain'), 'yes');
    assert.equal(await response.text(), 'ok');
  });

  it('returns an answer that arrives before the whole body has been sent', async () => {
    const { url } = await serveHttp((_, response) => response.writeHead(413).end('{}'));
    const size = 20 * MEGABYTE;
    const response = await open().transport(post(url, size, toBody(size, 256 * 1024)), NEVER);
    assert.equal(response.status, 413);
    assert.equal(await response.text(), '{}');
  });

  it('reads an answer only up to the limit', async () => {
    const { url } = await serveHttp((_, response) => response.end(Buffer.alloc(MEGABYTE)));
    const response = await open().transport(new Request(url), NEVER);
    assert.deepEqual(await readAnswer(response, 1_000), { kind: 'too_large', sizeMaxBytes: 1_000 });
  });
});

describe('an exchange that fails', () => {
  it('before the connection has the phase connect: a refused port', async () => {
    const { port } = await listen(createTcpServer());
    closings.splice(-1, 1)[0]?.();
    const failure = await failureOf(open().transport(new Request(`http://127.0.0.1:${port}/`), NEVER));
    assert.deepEqual([failure.phase, failure.code], ['connect', 'ECONNREFUSED']);
  });

  it('before the connection has the phase connect: an unknown name', async () => {
    const failure = await failureOf(open().transport(new Request('http://nowhere.invalid/'), NEVER));
    assert.equal(failure.phase, 'connect');
    assert.match(failure.code, /^(ENOTFOUND|EAI_AGAIN)$/);
  });

  it('in the handshake has the phase tls: a silent server, and one without TLS', async () => {
    const silent = await serveRaw(() => undefined);
    const slow = await failureOf(
      open({ connectTimeoutMs: 100 }).transport(new Request(`https://127.0.0.1:${silent.port}/`), NEVER),
    );
    assert.deepEqual([slow.phase, slow.code], ['tls', 'ETIMEDOUT']);
    const plain = await serveRaw((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const other = await failureOf(open().transport(new Request(`https://127.0.0.1:${plain.port}/`), NEVER));
    assert.equal(other.phase, 'tls');
  });

  it('after the request began has the phase exchange: a reset before and during the answer', async () => {
    const before = await serveRaw((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const lost = await failureOf(open().transport(new Request(before.url), NEVER));
    assert.deepEqual([lost.phase, lost.code], ['exchange', 'ECONNRESET']);
    const amid = await serveRaw((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
    );
    const response = await open().transport(new Request(amid.url), NEVER);
    const half = await failureOf(response.text());
    assert.equal(half.phase, 'exchange');
  });

  it('because the answer is not HTTP is reported as such', async () => {
    const { url } = await serveRaw((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    const failure = await failureOf(open().transport(new Request(url), NEVER));
    assert.equal(failure.phase, 'exchange');
    assert.equal(failure.code, 'HTTP_INVALID');
  });

  it('because of an abort takes effect immediately at any stage', async () => {
    const { port, url } = await serveRaw(() => undefined);
    for (const target of [`https://127.0.0.1:${port}/`, url]) {
      const stop = new AbortController();
      const waiting = failureOf(open().transport(new Request(target), stop.signal));
      stop.abort(new Error('stopping'));
      assert.equal((await waiting).phase, 'aborted');
    }
    const early = await failureOf(open().transport(new Request(url), AbortSignal.abort()));
    assert.equal(early.phase, 'aborted');
    const { url: drip } = await serveHttp((_, response) => response.write('begun'));
    const stop = new AbortController();
    const response = await open().transport(new Request(drip), stop.signal);
    const reading = failureOf(response.text());
    stop.abort();
    assert.equal((await reading).phase, 'aborted');
  });

  it('because the transport was closed counts as aborted', async () => {
    const { url } = await serveRaw(() => undefined);
    const transport = open();
    const waiting = failureOf(transport.transport(new Request(url), NEVER));
    transport.close();
    assert.deepEqual([(await waiting).phase, (await waiting).code], ['aborted', 'CLOSED']);
  });
});

describe('silence', () => {
  /** The silence limit is ten times the slow source's pause, so that even a busy machine stays below the limit. */
  const slow = { silenceMs: 1_000, slowestBytesPerSecond: 1e12 };

  it('does not end an upload from a slow source that keeps sending', async () => {
    const { url } = await serveHttp(echo);
    const start = performance.now();
    const body = toBody(2_100, 100, ticks(100));
    const response = await open(slow).transport(post(url, 2_100, body), NEVER);
    assert.equal(response.status, 200);
    // A limit on the total time would have ended it.
    assert.ok(performance.now() - start > 2 * slow.silenceMs);
  });

  it('does not end an upload on a slow link with large buffers', async () => {
    const size = 60 * MEGABYTE;
    // Reads about 20 MB/s. In this test, the slowest speed that counts as working is 10 MB/s, and the kernel buffers several MB.
    const { url } = await serveHttp((request, response) => {
      let budgetBytes = 0;
      const timer = setInterval(() => {
        budgetBytes = MEGABYTE;
        request.resume();
      }, 50);
      closings.push(() => clearInterval(timer));
      request.on('data', (chunk: Buffer) => {
        budgetBytes -= chunk.byteLength;
        if (budgetBytes <= 0) request.pause();
      });
      request.on('end', () => {
        clearInterval(timer);
        response.end('whole');
      });
    });
    const start = performance.now();
    const limits = { silenceMs: 300, slowestBytesPerSecond: 10 * MEGABYTE };
    const response = await open(limits).transport(post(url, size, toBody(size, 256 * 1024)), NEVER);
    assert.equal(await response.text(), 'whole');
    assert.ok(performance.now() - start > 7 * limits.silenceMs);
  });

  it('ends an upload that stalls', async () => {
    const { url } = await serveRaw((socket) => socket.pause());
    const size = 60 * MEGABYTE;
    const start = performance.now();
    const limits = { silenceMs: 300, slowestBytesPerSecond: 100 * MEGABYTE };
    const failure = await failureOf(open(limits).transport(post(url, size, toBody(size, 256 * 1024)), NEVER));
    assert.deepEqual([failure.phase, failure.code], ['exchange', SILENT_CODE]);
    const tookMs = performance.now() - start;
    assert.ok(tookMs >= limits.silenceMs, `${tookMs} ms`);
  });

  it('ends the wait for an answer that does not arrive', async () => {
    const { url } = await serveHttp(() => undefined);
    const failure = await failureOf(open(slow).transport(new Request(url), NEVER));
    assert.deepEqual([failure.phase, failure.code], ['exchange', SILENT_CODE]);
  });

  it('does not end an answer on the slowest working link, but ends one that stalls', async () => {
    const { url } = await serveHttp((request, response) => {
      let drops = 0;
      const timer = setInterval(() => {
        drops += 1;
        response.write('.');
        if (drops < 10) return;
        clearInterval(timer);
        if (request.url === '/ends') response.end();
      }, 100);
      closings.push(() => clearInterval(timer));
    });
    // Ten bytes may take 10 s here.
    const link = { ...slow, slowestBytesPerSecond: 1 };
    const whole = await open(link).transport(new Request(`${url}/ends`), NEVER);
    assert.equal(await whole.text(), '..........');
    const stopped = await open(link).transport(new Request(`${url}/stops`), NEVER);
    const failure = await failureOf(stopped.text());
    assert.deepEqual([failure.phase, failure.code], ['exchange', SILENT_CODE]);
  });
});

describe('connections', () => {
  it('are reused for the next part, but not after a network change', async () => {
    const { url, sockets } = await serveHttp(echo);
    const { transport, reset } = open();
    const once = async () => (await transport(new Request(url), NEVER)).text();
    await once();
    await once();
    assert.equal(sockets.length, 1);
    reset();
    await once();
    assert.equal(sockets.length, 2);
  });

  it('in use are closed after a network change once their exchange ends', async () => {
    const { url, sockets } = await serveHttp(echo);
    const { transport, reset } = open();
    const response = await transport(new Request(url), NEVER);
    reset();
    await response.text();
    await (await transport(new Request(url), NEVER)).text();
    assert.equal(sockets.length, 2);
  });

  it('are reopened if the server closed the previous one', async () => {
    const { url, sockets } = await serveHttp((_, response) =>
      response.writeHead(200, { connection: 'close' }).end('x'),
    );
    const { transport } = open();
    for (let times = 0; times < 3; times += 1)
      assert.equal(await (await transport(new Request(url), NEVER)).text(), 'x');
    assert.equal(sockets.length, 3);
  });

  it('are not reused if the answer arrived before the whole body was sent', async () => {
    const { url, sockets } = await serveHttp((request, response) => {
      response.writeHead(413).end('{}');
      request.pause();
    });
    const { transport } = open();
    const size = 20 * MEGABYTE;
    const first = await transport(post(url, size, toBody(size, 256 * 1024)), NEVER);
    assert.equal(await first.text(), '{}');
    assert.equal(await (await transport(new Request(url), NEVER)).text(), '{}');
    assert.equal(sockets.length, 2);
  });

  it('are closed after a period without use, but never during an exchange', async () => {
    const { url, sockets } = await serveHttp((request, response) => {
      request.resume();
      response.write('.');
      const timer = setTimeout(() => response.end('.'), 400);
      closings.push(() => clearTimeout(timer));
    });
    const { transport } = open({ idleMs: 100 });
    assert.equal(await (await transport(new Request(url), NEVER)).text(), '..');
    const [socket] = sockets;
    assert.ok(socket !== undefined && !socket.destroyed);
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal(sockets.length, 1);
  });

  it('are separate for simultaneous exchanges', async () => {
    const { url, sockets } = await serveHttp(echo);
    const { transport } = open();
    const answers = await Promise.all(
      [1, 2, 3].map(async () => (await transport(new Request(url), NEVER)).text()),
    );
    assert.equal(new Set(answers).size, 3);
    assert.equal(sockets.length, 3);
  });
});
