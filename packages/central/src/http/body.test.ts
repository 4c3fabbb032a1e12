import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { UNLIMITED_REQUEST } from '../admission/admission.ts';
import { receiveBody } from './body.ts';

test('a body that arrives byte by byte takes no more memory than its size', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heldBytes = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  const pieces = 400_000;
  let sent = 0;
  let heldMostBytes = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        sent += 1;
        if (sent % 100_000 === 0) heldMostBytes = Math.max(heldMostBytes, heldBytes());
        if (sent > pieces) controller.close();
        else controller.enqueue(new Uint8Array([sent % 256]));
      },
    },
    { highWaterMark: 0 },
  );
  const before = heldBytes();
  // Node requires `duplex` for a stream as body; the type does not have it.
  const request = new Request('http://central.test/', {
    method: 'POST',
    body,
    duplex: 'half',
  } as RequestInit);
  const received = await receiveBody(
    { raw: request, bodySource: undefined },
    pieces,
    UNLIMITED_REQUEST.upload,
  );
  assert.ok(received.kind === 'received');
  assert.equal(received.bytes.byteLength, pieces);
  assert.ok(received.bytes.every((byte, index) => byte === (index + 1) % 256));
  assert.ok(heldMostBytes - before < 20 * pieces, `held ${heldMostBytes - before}`);
});
