import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { sleep } from './child.ts';
import { type Central, startCentral } from './daemon.ts';
import { quantile, toFigure } from './figure.ts';
import type { Bench } from './run.ts';

/** Duration of the attack, long enough to repeat every method many times. */
const ATTACK_MS = 20_000;
/** Number of hostile boats, each with as many concurrent requests as a boat may have. */
const HOSTILE_BOATS = 4;
const REQUESTS_PER_BOAT = 2;
/** Pauses of the honest boat and of the health probe between two requests. */
const IMPORT_PAUSE_MS = 100;
const HEALTH_PAUSE_MS = 20;
/** Time for which a body stays incomplete before the attacker moves on to the next one. */
const STALL_MS = 4_000;
/** Number of rows in an honest export, about 50 KB. */
const HONEST_ROWS = 200;

interface Boat {
  readonly id: string;
  readonly token: string;
}

/** A body that a hostile boat sends repeatedly. */
interface Attack {
  readonly coding: 'br' | 'gzip' | 'identity';
  readonly body: (boat: Boat, round: number) => Buffer;
  /** Number of bytes that are declared but never sent. */
  readonly stalledBytes?: number;
}

/** Measures an honest boat's imports and the health answer while hostile boats attack the same node with every known method. */
export const benchHostile: Bench = async (run) => {
  const central = await startCentral(join(run.folder, 'central'), run.signal);
  try {
    const honest = await enroll(central);
    const hostile: Boat[] = [];
    for (let index = 0; index < HOSTILE_BOATS; index += 1) hostile.push(await enroll(central));
    await send(central, honest, toHonestBody(honest, 0), 'gzip');
    // Compressing the bodies would otherwise delay the measuring loops.
    for (const boat of hostile) for (const { body } of ATTACKS) body(boat, 0);
    const quiet = await measure(central, honest, 1, run.signal, 3_000);
    const attack = new AbortController();
    const end = AbortSignal.any([attack.signal, run.signal]);
    const attackers = [
      ...hostile.flatMap((boat) =>
        Array.from({ length: REQUESTS_PER_BOAT }, (_, index) => attackAgain(central, boat, index, end)),
      ),
      guessTokens(central, end),
    ];
    const measured = await measure(central, honest, 1_000_000, run.signal, ATTACK_MS);
    attack.abort();
    const answers = (await Promise.all(attackers)).flat();
    run.logProgress(`the attackers got ${toCounts(answers)}`);
    const note = `${HOSTILE_BOATS} boats with ${REQUESTS_PER_BOAT} requests each; ${measured.imports.length} imports`;
    const { report } = run;
    report(toFigure('hostile.import_p99', quantile(measured.imports, 0.99), 'ms', { atMost: 1_000 }, note));
    report(toFigure('hostile.import_p50', quantile(measured.imports, 0.5), 'ms', 'orientation'));
    report(toFigure('hostile.honest_refused', measured.refused, 'imports', { atMost: 0 }));
    report(toFigure('hostile.health_p99', quantile(measured.health, 0.99), 'ms', { atMost: 20 }));
    report(toFigure('hostile.health_max', Math.max(...measured.health), 'ms', 'orientation'));
    report(toFigure('hostile.quiet_import_p99', quantile(quiet.imports, 0.99), 'ms', 'orientation'));
    report(toFigure('hostile.quiet_health_p99', quantile(quiet.health, 0.99), 'ms', 'orientation'));
    report(toFigure('hostile.attacks_answered', answers.length, 'answers', 'orientation', toCounts(answers)));
  } finally {
    await central.stop();
  }
};

async function enroll(central: Central): Promise<Boat> {
  const id = randomBytes(8).toString('hex');
  return { id, token: await central.enroll(id) };
}

interface Measured {
  readonly imports: readonly number[];
  readonly health: readonly number[];
  readonly refused: number;
}

async function measure(
  central: Central,
  honest: Boat,
  firstSequence: number,
  signal: AbortSignal,
  durationMs: number,
): Promise<Measured> {
  const endMs = performance.now() + durationMs;
  const imports: number[] = [];
  const health: number[] = [];
  let refused = 0;
  const probe = async () => {
    while (performance.now() < endMs) {
      const startedMs = performance.now();
      const answer = await fetch(`http://127.0.0.1:${central.port}/api/v1/health`);
      await answer.text();
      health.push(performance.now() - startedMs);
      await sleep(HEALTH_PAUSE_MS, signal);
    }
  };
  const importAgain = async () => {
    for (let sequence = firstSequence; performance.now() < endMs; sequence += 1) {
      const body = toHonestBody(honest, sequence);
      const startedMs = performance.now();
      const status = await send(central, honest, body, 'gzip');
      imports.push(performance.now() - startedMs);
      if (status !== 200) refused += 1;
      await sleep(IMPORT_PAUSE_MS, signal);
    }
  };
  await Promise.all([probe(), importAgain()]);
  return { imports, health, refused };
}

/** Sends the attacks in turn until `signal` is aborted. Returns the status of each answer. */
async function attackAgain(
  central: Central,
  boat: Boat,
  first: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const answers: number[] = [];
  for (let round = first; !signal.aborted; round += 1) {
    const { coding, body, stalledBytes } = ATTACKS[round % ATTACKS.length] ?? ATTACKS[0];
    const status = await send(central, boat, body(boat, round), coding, {
      stalledBytes: stalledBytes ?? 0,
      signal,
    });
    if (status !== 0) answers.push(status);
    // A refusal is cheap for both sides. Without a pause, the benchmark would mainly measure its own process.
    if (status === 429 || status === 503) await sleep(50, signal).catch(() => undefined);
  }
  return answers;
}

async function guessTokens(central: Central, signal: AbortSignal): Promise<readonly number[]> {
  const answers: number[] = [];
  const nobody = { id: '0000000000000000', token: '' };
  while (!signal.aborted) {
    const token = randomBytes(24).toString('hex');
    answers.push(
      await send(central, { ...nobody, token }, Buffer.from('{}'), 'identity', { stalledBytes: 0, signal }),
    );
    await sleep(5, signal).catch(() => undefined);
  }
  return answers;
}

/** Returns the status of the answer, or 0 if there was none. */
function send(
  central: Central,
  { token }: Boat,
  body: Buffer,
  coding: Attack['coding'],
  options: { readonly stalledBytes: number; readonly signal?: AbortSignal } = { stalledBytes: 0 },
): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({
      port: central.port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/api/v1/data/import',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Content-Length': body.length + options.stalledBytes,
        ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    sent.on('response', (answer) => {
      answer.resume();
      answer.on('close', () => resolve(answer.statusCode ?? 0));
      // The answer may come before the body is complete.
      if (options.stalledBytes > 0) sent.destroy();
    });
    sent.on('error', () => resolve(0));
    if (options.stalledBytes === 0) {
      sent.end(body);
      return;
    }
    sent.write(body);
    sent.setTimeout(STALL_MS, () => sent.destroy());
  });
}

function toDocument({ id }: Boat, name: string, entries: string): string {
  return (
    `{"installation_id":"${id}","export_timestamp":"2026-06-01T11:59:00Z","format_version":"1.0","export_id":"${name}",` +
    `"data":{"boatlog":{"category":"boatlog","entries":[${entries}]}}}`
  );
}

function toHonestBody(boat: Boat, sequence: number): Buffer {
  const entries = Array.from({ length: HONEST_ROWS }, (_, index) =>
    JSON.stringify({
      record_id: `${sequence}-${index}@2026-06-01T11:59:00Z`,
      timestamp: '2026-06-01T11:59:00Z',
      entry_type: 'auto',
      latitude: 45 + index / 1_000,
      longitude: 13.5,
      content: createHash('sha256').update(`${sequence} ${index}`).digest('hex').repeat(2),
    }),
  );
  return gzipSync(toDocument(boat, `export_${sequence}`, entries.join()));
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
    // The most records that a document may have.
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
    // 32 MiB of which the last megabyte never arrives.
    coding: 'identity',
    body: kept(() => Buffer.alloc(31 << 20, ' ')),
    stalledBytes: 1 << 20,
  },
];

function toCounts(answers: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const status of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .sort(([one], [other]) => one - other)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
}
