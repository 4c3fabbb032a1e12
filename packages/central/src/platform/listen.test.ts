import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { isCentralFailure } from './errors.ts';
import { type Connection, type Listener, listen } from './listen.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** A limit on a connection's silence, in place of the minute that connections usually have. */
const SHORT_MS = 50;

async function withListener(
  handler: (request: Request, connection: Connection) => Promise<Response>,
  use: (listener: Listener) => Promise<void>,
): Promise<void> {
  const listener = await listen(handler, LOOPBACK);
  try {
    await use(listener);
  } finally {
    await listener.stop();
  }
}

test('names a port that is in use', async () => {
  const handler = async () => new Response('');
  await withListener(handler, async ({ url }) => {
    const port = Number(new URL(url).port);
    await assert.rejects(
      listen(handler, { ...LOOPBACK, port }),
      (error) => isCentralFailure(error, 'PORT_IN_USE') && error.message.includes(String(port)),
    );
  });
});

test('delivers a refusal to the sender without reading the remaining megabytes of the body', async () => {
  const handler = async () => new Response('no', { status: 401 });
  await withListener(handler, async ({ url }) => {
    for (let round = 0; round < 3; round += 1) {
      const answer = await fetch(url, { method: 'POST', body: new Uint8Array(8 << 20) });
      assert.equal(answer.status, 401);
      assert.equal(await answer.text(), 'no');
    }
  });
});

test('notifies the handler if the sender disconnects before the end of the body', async () => {
  const failed = Promise.withResolvers<unknown>();
  const started = Promise.withResolvers<void>();
  const handler = async (request: Request) => {
    const reader = request.body?.getReader();
    try {
      await reader?.read();
      started.resolve();
      for (;;) if ((await reader?.read())?.done !== false) break;
      failed.resolve(undefined);
    } catch (error) {
      failed.resolve(error);
    }
    return new Response('');
  };
  await withListener(handler, async ({ url }) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
    await started.promise;
    socket.destroy();
    assert.ok((await failed.promise) instanceof Error);
  });
});

test("keeps a silent connection open for as long as the request's handler allows", async () => {
  const release = Promise.withResolvers<void>();
  const isWaiting = Promise.withResolvers<void>();
  const handler = async (request: Request, { limitSilence }: Connection) => {
    limitSilence?.(SHORT_MS);
    if (!request.url.endsWith('/long')) return new Promise<never>(() => undefined);
    limitSilence?.(60_000);
    isWaiting.resolve();
    await release.promise;
    return new Response('erased');
  };
  await withListener(handler, async ({ url }) => {
    const answer = fetch(`${url}/long`);
    await isWaiting.promise;
    // The server closes this connection after SHORT_MS, which have then passed on the other one too.
    await assert.rejects(fetch(`${url}/short`));
    release.resolve();
    assert.equal(await (await answer).text(), 'erased');
  });
});

test('waits for a request in progress before it stops', async () => {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const listener = await listen(async () => {
    entered.resolve();
    await release.promise;
    return new Response('whole');
  }, LOOPBACK);
  const answer = fetch(listener.url);
  await entered.promise;
  const stopped = listener.stop();
  release.resolve();
  const startedMs = performance.now();
  assert.equal(await (await answer).text(), 'whole');
  await stopped;
  assert.ok(performance.now() - startedMs < 14_000, 'stopping waited for an idle connection');
  await assert.rejects(fetch(listener.url));
});
