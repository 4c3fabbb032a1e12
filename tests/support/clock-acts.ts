import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addRecords } from '../../packages/sim/src/fixture/index.ts';
import type { Processes, RunningDaemon } from './processes.ts';
import { addRecordsUnlessBusy } from './records-of-boat.ts';
import { until } from './until.ts';

/** Moments the clock is set to, as UTC; time goes on from there. */
export const TODAY = '2026-05-01 12:00:00';
const LATER_TODAY = '2026-05-01 15:00:00';
const EARLIER_TODAY = '2026-05-01 11:20:00';
const DECADES_BACK = '1981-02-03 04:05:06';
const YEAR_AHEAD = '2027-05-01 12:00:00';

/** How often the clock is set while exports are made, and how many of them. */
const RESTLESS_EVERY_MS = 7;
const RESTLESS_EXPORTS = 8;
/** What a refusal asks for: long enough to see a wait that is cut short. */
const RETRY_AFTER_S = 2;
/** The longest an answer can ask for. */
const RETRY_AFTER_MAX_S = 3_600;

/** A boat whose wall clock a test sets while it runs. */
export interface ClockedBoat extends Pick<RunningDaemon, 'request' | 'output' | 'stop'> {
  setClock(moment: string): void;
  /** Starts it again after `stop`. */
  start(): Promise<void>;
}

/** What stands before central: passes everything on, and can refuse. */
export interface Front {
  readonly url: string;
  /** Refuses the next part with 503 and `Retry-After`; resolves, when it has, with the moment. */
  refuseNext(retryAfterSeconds: number): Promise<number>;
  /** When parts came, refused or not. */
  readonly partsMs: readonly number[];
  /** The keys of parts that central answered with a receipt. */
  readonly acknowledged: readonly string[];
}

export async function startFront(processes: Processes, centralUrl: string): Promise<Front> {
  const partsMs: number[] = [];
  const acknowledged: string[] = [];
  let refusal: { readonly retryAfterSeconds: number; readonly done: (atMs: number) => void } | undefined;
  const server = createServer((incoming, outgoing) => {
    const key = incoming.headers['idempotency-key'];
    if (typeof key === 'string') partsMs.push(performance.now());
    if (typeof key === 'string' && refusal !== undefined) {
      const { retryAfterSeconds, done } = refusal;
      refusal = undefined;
      incoming.resume().on('end', () => {
        done(performance.now());
        outgoing
          .writeHead(503, { 'content-type': 'application/json', 'retry-after': String(retryAfterSeconds) })
          .end(JSON.stringify({ status: 'error', error_code: 'UNAVAILABLE', message: 'later' }));
      });
      return;
    }
    const passed = httpRequest(`${centralUrl}${incoming.url ?? ''}`, {
      method: incoming.method,
      headers: incoming.headers,
    });
    passed.on('error', () => outgoing.destroy());
    passed.on('response', (answer) => {
      if (typeof key === 'string' && answer.statusCode === 200) acknowledged.push(key);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  processes.atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    // A TCP server's address is an AddressInfo.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    partsMs,
    acknowledged,
    refuseNext: (retryAfterSeconds) =>
      new Promise((done) => {
        refusal = { retryAfterSeconds, done };
      }),
  };
}

/** Sets the clock, and waits until the boat tells the new time. */
async function setAndSee(boat: ClockedBoat, moment: string): Promise<void> {
  boat.setClock(moment);
  await until(`the boat's clock to be at ${moment}`, async () => {
    const { json } = await boat.request('GET', '/health');
    return String(json['time']).startsWith(moment.slice(0, 10));
  });
}

/**
 * Sets the clock of a boat at work decades back, a year ahead and back again: between exports, during them, while retries wait,
 * and over a restart. Gives the ids of the exports that were acknowledged. Throws an AssertionError where a daily slot is claimed
 * twice or not at all, a wait follows the wall clock, or a part is acknowledged twice.
 */
export async function setClockBackAndForth(
  boat: ClockedBoat,
  root: string,
  front: Front,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const slots: string[] = [];
  let seed = 0;
  const addNews = (): void => {
    seed += 1;
    addRecordsUnlessBusy(root, { rows: 5, seed });
  };
  const ask = async (body: Readonly<Record<string, string>>): Promise<Record<string, unknown>> => {
    const { status, json } = await boat.request('POST', '/export/generate', body);
    assert.equal(status, 200, `${JSON.stringify(json)}\n${boat.output()}`);
    if (json['queued'] === true) acknowledged.push(String(json['export_id']));
    return json;
  };
  const daily = async (): Promise<void> => {
    const answer = await ask({ type: 'incremental', trigger: 'scheduled' });
    if (answer['skipped'] !== true) slots.push(String(answer['slot']));
  };
  const exportNews = async (): Promise<void> => {
    addRecords(root, { rows: 5, seed: (seed += 1) });
    assert.equal((await ask({ type: 'incremental' }))['queued'], true);
  };
  const drained = (): Promise<void> =>
    until('everything to be delivered', async () => {
      const { json } = await boat.request('GET', '/export/queue/status');
      assert.equal(json['failed_count'], 0, boat.output());
      return json['pending_count'] === 0 && json['uploading_count'] === 0;
    });
  /** An export that is refused once, and the attempt written down; gives the moment of the refusal. */
  const exportRefused = async (retryAfterSeconds: number): Promise<number> => {
    const refused = front.refuseNext(retryAfterSeconds);
    await exportNews();
    const refusedMs = await refused;
    await until('the attempt to be written down', async () => {
      const { json } = await boat.request('GET', '/export/queue');
      const [entry] = json['pending'] as { retry_count: number }[];
      return entry?.retry_count === 1;
    });
    return refusedMs;
  };

  // Between exports, each delivered or not when the clock is set again.
  for (const moment of [TODAY, DECADES_BACK, YEAR_AHEAD, LATER_TODAY, DECADES_BACK, YEAR_AHEAD, TODAY]) {
    await setAndSee(boat, moment);
    addNews();
    await daily();
    await daily();
    await exportNews();
    // Nothing that waits is old, whatever year it is.
    assert.equal((await boat.request('POST', '/export/queue/cleanup')).status, 200);
  }
  assert.deepEqual(
    slots.filter((slot) => slot !== '1981-02-03'),
    ['2026-05-01', '2027-05-01'],
    'each day has its slot once',
  );
  assert.ok(slots.length <= 3, `${slots.join(', ')}: no slot is claimed twice`);
  await drained();

  // While exports are made and delivered.
  let isRestless = true;
  const restless = (async () => {
    for (let turn = 0; isRestless; turn += 1) {
      boat.setClock([DECADES_BACK, YEAR_AHEAD, TODAY, LATER_TODAY][turn % 4] ?? TODAY);
      await sleep(RESTLESS_EVERY_MS);
    }
  })();
  try {
    for (let made = 0; made < RESTLESS_EXPORTS; made += 1) {
      addNews();
      await Promise.all([ask({ type: made % 4 === 0 ? 'full' : 'incremental' }), daily()]);
    }
    await drained();
  } finally {
    isRestless = false;
    await restless;
  }
  assert.equal(new Set(slots).size, slots.length, `${slots.join(', ')}: no slot is claimed twice`);

  // While a retry waits: a year ahead does not shorten the wait, and less than an hour back does not prolong it.
  for (const moment of [YEAR_AHEAD, EARLIER_TODAY]) {
    await setAndSee(boat, TODAY);
    const refusedMs = await exportRefused(RETRY_AFTER_S);
    const before = front.partsMs.length;
    await setAndSee(boat, moment);
    await until(`the retry after the clock was set to ${moment}`, async () => {
      await boat.request('POST', '/export/queue/process');
      return front.partsMs.length > before;
    });
    const waitedMs = (front.partsMs[before] ?? 0) - refusedMs;
    assert.ok(waitedMs >= RETRY_AFTER_S * 1_000, `retried after ${waitedMs} ms`);
    await drained();
  }

  // Over a restart: what waits for a moment of next year is due as soon as the clock is right.
  await setAndSee(boat, YEAR_AHEAD);
  await exportRefused(RETRY_AFTER_MAX_S);
  assert.equal(await boat.stop(), 0, boat.output());
  boat.setClock(TODAY);
  await boat.start();
  await drained();

  assert.equal(
    new Set(front.acknowledged).size,
    front.acknowledged.length,
    'each part was acknowledged once: no receipt was forgotten',
  );
  return acknowledged;
}
