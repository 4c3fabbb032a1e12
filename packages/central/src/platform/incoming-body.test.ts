import { strict as assert } from 'node:assert';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Connection, listen } from './listen.ts';
import type { BodySource } from './ports.ts';

/** Sends the head of a request for `sizeBytes`, and passes the source of its body and the sender's socket to `use`. */
async function withBody(
  sizeBytes: number,
  use: (source: BodySource, sender: Socket) => Promise<void>,
): Promise<void> {
  const received = Promise.withResolvers<BodySource>();
  const answered = Promise.withResolvers<void>();
  const listener = await listen(
    async (_request: Request, { body }: Connection) => {
      if (body === undefined) throw new Error('a request over a connection has a source');
      received.resolve(body);
      await answered.promise;
      return new Response('');
    },
    { host: '127.0.0.1', port: 0 },
  );
  const sender = connect(Number(new URL(listener.url).port), '127.0.0.1');
  try {
    sender.write(`POST / HTTP/1.1\r\nHost: central\r\nContent-Length: ${sizeBytes}\r\n\r\n`);
    await use(await received.promise, sender);
  } finally {
    answered.resolve();
    sender.destroy();
    await listener.stop();
  }
}

test('reads a body in order, as its pieces arrive, up to its end', async () => {
  await withBody(6, async (source, sender) => {
    sender.write('abc');
    assert.deepEqual(await source.read(), { done: false, value: Buffer.from('abc') });
    const waiting = source.read();
    sender.write('def');
    assert.deepEqual(await waiting, { done: false, value: Buffer.from('def') });
    assert.deepEqual(await source.read(), { done: true, value: undefined });
    assert.deepEqual(await source.read(), { done: true, value: undefined });
  });
});

test('rejects if the sender disconnects before the end of the body', async () => {
  await withBody(6, async (source, sender) => {
    sender.write('abc');
    await source.read();
    const waiting = source.read();
    sender.destroy();
    await assert.rejects(waiting, /disconnected before the end/);
    await assert.rejects(source.read(), /disconnected before the end/);
  });
});

test('ends a waiting read when it is cancelled', async () => {
  await withBody(6, async (source) => {
    const waiting = source.read();
    await source.cancel();
    assert.deepEqual(await waiting, { done: true, value: undefined });
  });
});
