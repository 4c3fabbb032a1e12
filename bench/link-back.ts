// node link-back.ts ROOT AWAY_MS
// Measures in a separate network namespace the time between a new interface and the daemon's first byte.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { makeBoat } from './boat.ts';
import { sleep } from './child.ts';
import { startDaemon } from './daemon.ts';
import { startLink } from './link.ts';

/** Timeout for the first byte: the longest probe backoff plus a margin. */
const FIRST_BYTE_MAX_MS = 90_000;

const [root = '', awayMs = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const ip = (...args: readonly string[]): void => void execFileSync('ip', args);

ip('link', 'set', 'lo', 'up');
// The server never answers. The first byte of a probe ends the measurement.
const sink = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
await once(sink, 'listening');
const address = sink.address();
if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
const link = await startLink(address.port);
const boat = makeBoat(root, 100);
boat.setToken('unchecked-token');
await link.cut();
const daemon = await startDaemon(boat, signal, { centralUrl: `http://127.0.0.1:${link.port}` });
try {
  await daemon.generate('incremental');
  await sleep(Number(awayMs), signal);
  ip('link', 'add', 'boat0', 'type', 'veth', 'peer', 'name', 'boat1');
  ip('addr', 'add', '10.99.0.2/24', 'dev', 'boat0');
  ip('link', 'set', 'boat1', 'up');
  const { firstByte } = await link.restore();
  const began = performance.now();
  ip('link', 'set', 'boat0', 'up');
  const late = sleep(FIRST_BYTE_MAX_MS, signal).then(() =>
    Promise.reject(new Error('the daemon sent no byte')),
  );
  const firstByteMs = (await Promise.race([firstByte, late])) - began;
  console.log(JSON.stringify({ firstByteMs }));
} finally {
  await daemon.stop();
}
process.exit();
