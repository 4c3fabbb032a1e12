import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { sleep } from './child.ts';
import { type Central, startCentral } from './daemon.ts';
import { quantile, toFigure } from './figure.ts';
import { type Assignment, REQUESTS_PER_BOAT } from './hostile-attack.ts';
import { type Answer, type Boat, send, toBoat, toDocument } from './hostile-client.ts';
import type { Bench } from './run.ts';

/** Duration of the attack, long enough to repeat every method many times. */
const ATTACK_MS = 20_000;
/** Number of hostile boats. */
const HOSTILE_BOATS = 4;
/** Pauses between two requests of the honest boat, and between two health probes. */
const IMPORT_PAUSE_MS = 100;
const HEALTH_PAUSE_MS = 20;
/** Number of rows in an honest export, about 50 KB. */
const HONEST_ROWS = 200;

/** Measures an honest boat's imports and the health answer while hostile boats attack the same node with every known method. */
export const benchHostile: Bench = async (run) => {
  const central = await startCentral(join(run.folder, 'central'), run.signal);
  try {
    const honest = await enroll(central);
    const hostile: Boat[] = [];
    for (let index = 0; index < HOSTILE_BOATS; index += 1) hostile.push(await enroll(central));
    await send(central.port, honest, toHonestBody(honest, 0), 'gzip');
    const attackers = await startAttackers({ port: central.port, boats: hostile.map(toAccess) });
    const quiet = await measure(central, honest, 1, run.signal, 3_000);
    attackers.begin();
    const measured = await measure(central, honest, 1_000_000, run.signal, ATTACK_MS);
    const answers = await attackers.end();
    run.logProgress(`the attackers got ${toCounts(answers)}`);
    const note = `${HOSTILE_BOATS} boats with ${REQUESTS_PER_BOAT} requests each; ${measured.imports.length} imports`;
    const { report } = run;
    report(toFigure('hostile.import_p99', quantile(measured.imports, 0.99), 'ms', { atMost: 1_000 }, note));
    report(toFigure('hostile.import_p50', quantile(measured.imports, 0.5), 'ms', 'orientation'));
    const refused = toFigure(
      'hostile.honest_refused',
      measured.refusals.length,
      'imports',
      { atMost: 0 },
      measured.refusals.map(({ status, text }) => `${status} ${text.slice(0, 200)}`).join('; '),
    );
    report(refused);
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
  return toBoat(id, await central.enroll(id));
}

function toAccess({ id, token }: Boat) {
  return { id, token };
}

/**
 * Starts the attackers' thread. They run in their own thread, because their work would otherwise delay this thread's measuring
 * loops.
 */
async function startAttackers(
  assignment: Assignment,
): Promise<{ begin(): void; end(): Promise<readonly number[]> }> {
  const worker = new Worker(new URL('./hostile-attack.ts', import.meta.url), { workerData: assignment });
  await once(worker, 'message');
  return {
    begin: () => worker.postMessage('begin'),
    async end() {
      worker.postMessage('end');
      const [answers] = await once(worker, 'message');
      await worker.terminate();
      // The thread sends each answer's status.
      return answers as readonly number[];
    },
  };
}

interface Measured {
  readonly imports: readonly number[];
  readonly health: readonly number[];
  readonly refusals: readonly Answer[];
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
  const refusals: Answer[] = [];
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
      const answer = await send(central.port, honest, body, 'gzip');
      imports.push(performance.now() - startedMs);
      if (answer.status !== 200) refusals.push(answer);
      await sleep(IMPORT_PAUSE_MS, signal);
    }
  };
  await Promise.all([probe(), importAgain()]);
  return { imports, health, refusals };
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

function toCounts(answers: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const status of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .sort(([one], [other]) => one - other)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
}
