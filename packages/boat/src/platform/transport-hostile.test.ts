import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { failureOf, open, post, serveRaw, ticks, toBody } from '../testing/transport-servers.ts';
import { readAnswer, SILENT_CODE, SLOW_CODE } from './transport-answer.ts';

const NEVER = new AbortController().signal;
const MEGABYTE = 1_000_000;

describe('a server that keeps the connection open', () => {
  /** Sends `piece` repeatedly, at intervals shorter than the silence limit. */
  const drip = (socket: Socket, head: string, piece: string): void => {
    socket.write(head);
    const timer = setInterval(() => socket.write(piece), 20);
    socket.once('close', () => clearInterval(timer));
  };
  const limits = { silenceMs: 300, slowestBytesPerSecond: 8_000 };

  for (const [name, head, piece] of [
    ['byte by byte', 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', '.'],
    ['in chunks of a byte', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n.\r\n'],
  ] as const)
    it(`is abandoned if it sends its answer ${name}, even if it is never silent`, async () => {
      const { url } = await serveRaw((socket) => socket.once('data', () => drip(socket, head, piece)));
      const response = await open(limits).transport(new Request(url), NEVER);
      const failure = await failureOf(readAnswer(response, MEGABYTE));
      assert.deepEqual([failure.phase, failure.code], ['exchange', SLOW_CODE]);
    });

  for (const [name, head, piece] of [
    ['status lines', 'HTTP/1.1 200 ', 'O'],
    ['header fields', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n'],
  ] as const)
    it(`is abandoned if it sends endless ${name}`, async () => {
      const { url } = await serveRaw((socket) => socket.once('data', () => drip(socket, head, piece)));
      const failure = await failureOf(open(limits).transport(new Request(url), NEVER));
      assert.deepEqual([failure.phase, failure.code], ['exchange', SILENT_CODE]);
    });

  for (const status of ['103 Early Hints', '100 Continue', '102 Processing'])
    it(`is abandoned immediately if it sends endless ${status} responses`, async () => {
      const many = `HTTP/1.1 ${status}\r\n\r\n`.repeat(1_000);
      const { url } = await serveRaw((socket) => {
        const write = (): void => void socket.write(many, (error) => error ?? setImmediate(write));
        socket.once('data', write);
      });
      const failure = await failureOf(open().transport(new Request(url), NEVER));
      assert.deepEqual([failure.phase, failure.code], ['exchange', 'HTTP_INFORMATIONAL']);
    });

  it('may send a few informational responses before its answer', async () => {
    const { url } = await serveRaw((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(3));
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      }),
    );
    assert.equal(await (await open().transport(new Request(url), NEVER)).text(), 'ok');
  });

  it('may answer and close before it has read the body', async () => {
    const { url } = await serveRaw((socket) =>
      socket.once('data', () => {
        socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 4\r\nconnection: close\r\n\r\npage');
        socket.pause();
        setImmediate(() => socket.destroySoon());
      }),
    );
    for (let times = 0; times < 5; times += 1) {
      const response = await open().transport(
        post(url, MEGABYTE, toBody(MEGABYTE, 64 * 1024, ticks(1))),
        NEVER,
      );
      assert.equal(response.status, 413);
      assert.equal(await response.text(), 'page');
    }
  });
});
