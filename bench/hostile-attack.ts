// The attackers' thread. Its `workerData` is an Assignment. The first message begins the attack, and the second one ends
// it.
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { sleep } from './child.ts';
import { type Boat, type Coding, send, toBoat, toDocument } from './hostile-client.ts';

/** Number of concurrent requests from each boat: as many as a boat may have. */
export const REQUESTS_PER_BOAT = 2;

/** Niceness of this thread. Real attackers run on other machines and take no CPU time from central. */
const THREAD_NICENESS = 10;

/** The thread's target and the boats that attack it. */
export interface Assignment {
  readonly port: number;
  readonly boats: readonly { readonly id: string; readonly token: string }[];
}

/** A body that a hostile boat sends repeatedly. */
interface Attack {
  readonly coding: Coding;
  readonly body: (boat: Boat, round: number) => Buffer;
  /** Number of bytes that are declared but never sent. */
  readonly stalledBytes?: number;
}

/** Sends the attacks in turn until `signal` is aborted. Returns each answer's status. */
async function attackAgain(
  port: number,
  boat: Boat,
  first: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const answers: number[] = [];
  for (let round = first; !signal.aborted; round += 1) {
    const { coding, body, stalledBytes } = ATTACKS[round % ATTACKS.length] ?? ATTACKS[0];
    const { status } = await send(port, boat, body(boat, round), coding, {
      stalledBytes: stalledBytes ?? 0,
      signal,
    });
    if (status !== 0) answers.push(status);
    // A refusal is cheap for both sides. Without a pause, the benchmark would mainly measure its own process.
    if (status === 429 || status === 503) await sleep(50, signal).catch(() => undefined);
  }
  return answers;
}

async function guessTokens(port: number, signal: AbortSignal): Promise<readonly number[]> {
  const answers: number[] = [];
  const nobody = toBoat('0000000000000000', '');
  while (!signal.aborted) {
    const token = randomBytes(24).toString('hex');
    const guess = { ...nobody, token };
    const { status } = await send(port, guess, Buffer.from('{}'), 'identity', { stalledBytes: 0, signal });
    answers.push(status);
    await sleep(5, signal).catch(() => undefined);
  }
  return answers;
}

/** Caches a body, because compressing it takes longer than sending it. The boats share it if their ID does not matter. */
function kept(make: (boat: Boat) => Buffer): Attack['body'] {
  const bodies = new Map<string, Buffer>();
  return (boat) => {
    const held = bodies.get(boat.id) ?? make(boat);
    bodies.set(boat.id, held);
    return held;
  };
}

const ATTACKS: readonly [Attack, ...Attack[]] = [
  {
    // 2.4 million keys in one record.
    coding: 'gzip',
    body: kept((boat) => {
      const keys = Array.from({ length: 2_400_000 }, (_, index) => `"k${index}":1`).join();
      return gzipSync(toDocument(boat, 'keys', `{"record_id":"a",${keys}}`), { level: 1 });
    }),
  },
  {
    // A few hundred bytes that decode to 1.2 million objects.
    coding: 'br',
    body: kept((boat) =>
      brotliCompressSync(toDocument(boat, 'objects', `{"list":[${'{},'.repeat(1_200_000)}{}]}`)),
    ),
  },
  {
    // The maximum number of records in a document.
    coding: 'gzip',
    body: kept((boat) => {
      const records = Array.from(
        { length: 99_000 },
        (_, index) => `{"record_id":"${index}","a":${index * 7_919}}`,
      );
      return gzipSync(toDocument(boat, 'records', records.join()), { level: 1 });
    }),
  },
  {
    // A 32 MiB body whose last megabyte never arrives.
    coding: 'identity',
    body: kept(() => Buffer.alloc(31 << 20, ' ')),
    stalledBytes: 1 << 20,
  },
];

/** Attacks until `signal` is aborted. */
async function attackAll({ port, boats }: Assignment, signal: AbortSignal): Promise<readonly number[]> {
  const hostile = boats.map(({ id, token }) => toBoat(id, token));
  const answers = await Promise.all([
    ...hostile.flatMap((boat) =>
      Array.from({ length: REQUESTS_PER_BOAT }, (_, index) => attackAgain(port, boat, index, signal)),
    ),
    guessTokens(port, signal),
  ]);
  return answers.flat();
}

if (parentPort !== null) {
  const port = parentPort;
  if (process.platform === 'linux')
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), THREAD_NICENESS);
  // The main thread starts this one with an Assignment.
  const assignment = workerData as Assignment;
  // Compressing a body takes longer than sending it, so it is done before the attack.
  for (const { id, token } of assignment.boats) for (const { body } of ATTACKS) body(toBoat(id, token), 0);
  const attack = new AbortController();
  port.once('message', () => {
    const attacking = attackAll(assignment, attack.signal);
    port.once('message', () => {
      attack.abort();
      void attacking.then((answers) => port.postMessage(answers));
    });
  });
  port.postMessage('ready');
}
