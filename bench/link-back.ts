// node link-back.ts ROOT AWAY_MS     inside a network namespace of its own: how long a daemon takes to its first byte after an interface appeared.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { makeBoat } from './boat.ts';
import { sleep } from './child.ts';
import { startDaemon } from './daemon.ts';
import { startLink } from './link.ts';

/** Longest a daemon may take: the longest backoff of its probes, with room. */
const FIRST_BYTE_MAX_MS = 90_000;

const [root = '', awayMs = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const ip = (...args: readonly string[]): void => void execFileSync('ip', args);

ip('link', 'set', 'lo', 'up');
// Nobody answers behind the link: the first byte is a probe's, and that is what is waited for.
const sink = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
await once(sink, 'listening');
const address = sink.address();
if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
const link = await startLink(address.port);
const boat = makeBoat(root, 100);
boat.setToken('a-token-nobody-checks');
await link.cut();
const daemon = await startDaemon(boat, signal, { centralUrl: `http://127.0.0.1:${link.port}` });
try {
  await daemon.generate('incremental');
  await sleep(Number(awayMs), signal);
  ip('link', 'add', 'boat0', 'type', 'veth', 'peer', 'name', 'boat1');
  ip('addr', 'add', '10.99.0.2/24', 'dev', 'boat0');
  ip('link', 'set', 'boat1', 'up');
  const { firstByte } = await link.mend();
  const began = performance.now();
  ip('link', 'set', 'boat0', 'up');
  const late = sleep(FIRST_BYTE_MAX_MS, signal).then(() => Promise.reject(new Error('no byte came')));
  const firstByteMs = (await Promise.race([firstByte, late])) - began;
  console.log(JSON.stringify({ firstByteMs }));
} finally {
  await daemon.stop();
}
process.exit();
