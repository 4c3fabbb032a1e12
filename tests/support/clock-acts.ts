import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addRecords } from '../../packages/sim/src/fixture/index.ts';
import type { Processes, RunningDaemon } from './processes.ts';
import { addRecordsUnlessBusy } from './records-of-boat.ts';
import { until } from './until.ts';

/** Moments in UTC to which the clock is set. The clock continues from there. */
export const TODAY = '2026-05-01 12:00:00';
const LATER_TODAY = '2026-05-01 15:00:00';
const EARLIER_TODAY = '2026-05-01 11:20:00';
const DECADES_BACK = '1981-02-03 04:05:06';
const YEAR_AHEAD = '2027-05-01 12:00:00';

/** Interval between two clock changes while exports are being created. */
const RESTLESS_EVERY_MS = 7;
/** Number of exports created during these changes. */
const RESTLESS_EXPORTS = 8;
/** `Retry-After` of a refusal: long enough to detect a wait that ends early. */
const RETRY_AFTER_S = 2;
/** The maximum `Retry-After` that the boat accepts. */
const RETRY_AFTER_MAX_S = 3_600;

/** A boat whose wall clock can be set while the boat runs. */
export interface ClockedBoat extends Pick<RunningDaemon, 'request' | 'output' | 'stop'> {
  setClock(moment: string): void;
  /** Starts the boat again after `stop`. */
  start(): Promise<void>;
}

/** A proxy in front of central that forwards every request and can refuse a part. */
export interface Front {
  readonly url: string;
  /** Refuses the next part with 503 and `Retry-After`. Resolves to the moment of the refusal. */
  refuseNext(retryAfterSeconds: number): Promise<number>;
  /** Arrival times of all parts, refused or not. */
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

/** Sets the clock and waits until the boat reports the new date. */
async function setAndSee(boat: ClockedBoat, moment: string): Promise<void> {
  boat.setClock(moment);
  await until(`the boat's clock to be at ${moment}`, async () => {
    const { json } = await boat.request('GET', '/health');
    return String(json['time']).startsWith(moment.slice(0, 10));
  });
}

/**
 * Sets a working boat's clock decades back, a year ahead and back again. It does this between exports, during exports, while
 * retries wait, and across a restart. Returns the IDs of the acknowledged exports. Throws an AssertionError if a daily slot is
 * claimed twice or not at all, if a wait depends on the wall clock, or if a part is acknowledged twice.
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
  /** Creates an export that is refused once, waits until the attempt is recorded, and returns the moment of the refusal. */
  const exportRefused = async (retryAfterSeconds: number): Promise<number> => {
    const refused = front.refuseNext(retryAfterSeconds);
    await exportNews();
    const refusedMs = await refused;
    await until('the attempt to be recorded', async () => {
      const { json } = await boat.request('GET', '/export/queue');
      const [entry] = json['pending'] as { retry_count: number }[];
      return entry?.retry_count === 1;
    });
    return refusedMs;
  };

  // Between exports. An export may still be waiting when the clock is set again.
  for (const moment of [TODAY, DECADES_BACK, YEAR_AHEAD, LATER_TODAY, DECADES_BACK, YEAR_AHEAD, TODAY]) {
    await setAndSee(boat, moment);
    addNews();
    await daily();
    await daily();
    await exportNews();
    // In no year does a cleanup treat waiting exports as old.
    assert.equal((await boat.request('POST', '/export/queue/cleanup')).status, 200);
  }
  assert.deepEqual(
    slots.filter((slot) => slot !== '1981-02-03'),
    ['2026-05-01', '2027-05-01'],
    'each day has one slot',
  );
  assert.ok(slots.length <= 3, `${slots.join(', ')}: no slot is claimed twice`);
  await drained();

  // While exports are being created and delivered.
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

  // While a retry waits. Setting the clock a year ahead does not shorten the wait, and setting it back by less than an hour does
  // not prolong it.
  for (const moment of [YEAR_AHEAD, EARLIER_TODAY]) {
    await setAndSee(boat, TODAY);
    const refusedMs = await exportRefused(RETRY_AFTER_S);
    const before = front.partsMs.length;
    await setAndSee(boat, moment);
    await until(`the retry after the clock was set to ${moment}`, () => front.partsMs.length > before);
    const waitedMs = (front.partsMs[before] ?? 0) - refusedMs;
    assert.ok(waitedMs >= RETRY_AFTER_S * 1_000, `retried after ${waitedMs} ms`);
    await drained();
  }

  // Across a restart. An export that waits for a moment next year is due as soon as the clock is correct.
  await setAndSee(boat, YEAR_AHEAD);
  await exportRefused(RETRY_AFTER_MAX_S);
  assert.equal(await boat.stop(), 0, boat.output());
  boat.setClock(TODAY);
  await boat.start();
  await drained();

  assert.equal(
    new Set(front.acknowledged).size,
    front.acknowledged.length,
    'each part was acknowledged once',
  );
  return acknowledged;
}
