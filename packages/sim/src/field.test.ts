import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { Incident } from './plan-incidents.ts';
import type { BoatPlan, Plan } from './plan.ts';
import { type Action, CALM_BOOT } from './plan-boots.ts';
import { MINUTE_MS } from './plan-times.ts';
import { RECORDINGS, ROOT, SOURCE_DATABASES } from './places.ts';
import { runPlan } from './run-plan.ts';
import { type CentralDatabase, openCentralDatabase } from './simulated-central.ts';
import { toSmallPlan } from './small-scenario.ts';

let database: CentralDatabase;
before(async () => {
  database = await openCentralDatabase();
});
after(() => database.close());

const FULL: Action = { kind: 'export', type: 'full' };
const EXPORT: Action = { kind: 'export', type: 'incremental' };
const ROWS: Action = { kind: 'rows', source: 'boatlog', count: 2 };

type Moment = readonly [minute: number, event: Action | Incident];

/** Days of the run: one boot of two hours. */
const DAYS = 1 / 12;

/** Plans one boot with the given events in each minute. */
function toPlan(moments: readonly Moment[], boat: Partial<BoatPlan> = {}): Plan {
  const small = toSmallPlan();
  const isIncident = (event: Action | Incident): event is Incident => INCIDENTS.has(event.kind);
  return {
    ...small,
    days: DAYS,
    boat: { ...small.boat, alertRows: 4, captureRows: 3, legacyQueue: undefined, ...boat },
    boots: [CALM_BOOT],
    actions: moments.flatMap(([minute, action]) =>
      isIncident(action) ? [] : [{ afterMs: minute * MINUTE_MS, action }],
    ),
    incidents: moments.flatMap(([minute, incident]) =>
      isIncident(incident) ? [{ atMs: minute * MINUTE_MS, incident }] : [],
    ),
  };
}

const INCIDENTS: ReadonlySet<string> = new Set([
  'boatlog-unreadable',
  'central-refuses',
  'proxy-refuses',
  'source-hangs',
  'source-locked',
]);

async function run(plan: Plan) {
  await database.empty();
  const result = await runPlan(plan, database.store);
  assert.deepEqual(result.violations, []);
  return result;
}

test('a malformed settings file affects neither the other files nor the rest of its category', async () => {
  await run(
    toPlan(
      [
        [1, FULL],
        [2, ROWS],
        [3, EXPORT],
      ],
      { hasMalformedFiles: true },
    ),
  );
});

test('a capture that is identified after it was exported is exported again', async () => {
  await run(
    toPlan([
      [1, FULL],
      [2, { kind: 'change', source: 'captures' }],
      [3, EXPORT],
    ]),
  );
});

test('an export that could not read the boatlog is not reported as "nothing new", and its daily slot is tried again', async () => {
  const { coverage } = await run(
    toPlan([
      [1, FULL],
      [2, { kind: 'boatlog-unreadable', forMs: 5 * MINUTE_MS }],
      [3, EXPORT],
      [4, { kind: 'change', source: 'alerts' }],
      [5, { kind: 'daily', times: 1 }],
      [9, { kind: 'daily', times: 1 }],
    ]),
  );
  assert.equal(coverage.get('refused: SOURCE_UNREADABLE'), 1);
});

test('a proxy that refuses an export is not mistaken for a captive portal', async () => {
  for (const refusal of [403, 'json_200'] as const) {
    const { coverage } = await run(
      toPlan([
        [
          1,
          { kind: 'proxy-refuses', forMs: 30 * MINUTE_MS, bodySizeMaxBytes: 1e6, refusedShare: 1, refusal },
        ],
        [2, FULL],
        [3, ROWS],
        [4, EXPORT],
      ]),
    );
    assert.ok((coverage.get('exports stepped aside') ?? 0) > 0);
  }
});

test("central stores captures and alerts under the moment that the boat's local time denotes", async () => {
  for (const timeZone of ['America/Toronto', 'Pacific/Auckland'])
    await run(
      toPlan(
        [
          [1, FULL],
          [2, { kind: 'rows', source: 'captures', count: 1 }],
          [3, EXPORT],
        ],
        { timeZone },
      ),
    );
});

test('reading a source that hangs ends at a deadline, and all other categories are exported', async () => {
  for (const path of [`${ROOT}/data/marine-vision`, RECORDINGS, `${ROOT}/config/user-preferences.json`]) {
    const { coverage } = await run(
      toPlan([
        [1, { kind: 'source-hangs', forMs: 40 * MINUTE_MS, path }],
        [2, FULL],
        [30, ROWS],
        [31, EXPORT],
      ]),
    );
    assert.ok((coverage.get('read of a source that hangs') ?? 0) > 0);
    assert.ok((coverage.get('exports delivered') ?? 0) >= 2);
  }
});

test('records that were read when another program locked their database are exported later', async () => {
  const path = SOURCE_DATABASES.marine_vision_captures;
  // The captures are read in pages, and the lock is taken before the first page, between two pages, or after the last one.
  for (const afterStatements of [2, 4, 6, 8, 10])
    await run(
      toPlan([
        [1, FULL],
        [2, { kind: 'rows', source: 'captures', count: 80 }],
        [3, ROWS],
        [4, { kind: 'source-locked', forMs: 40 * MINUTE_MS, path, afterStatements }],
        [5, EXPORT],
        [60, EXPORT],
      ]),
    );
});

test('"send now" ends the waits after failed attempts', async () => {
  const { lines } = await run(
    toPlan([
      [
        1,
        {
          kind: 'central-refuses',
          forMs: 3 * MINUTE_MS,
          status: 500,
          retryAfterSeconds: undefined,
          alsoHealth: false,
        },
      ],
      [2, FULL],
      [5, { kind: 'process' }],
    ]),
  );
  const delivered = lines.find((line) => line.includes('"delivered"')) ?? '';
  assert.match(delivered, /delivered/);
  const atMinute = Number(delivered.split(' ')[0]) / MINUTE_MS;
  assert.ok(atMinute >= 5 && atMinute < 6, `delivered after ${atMinute} minutes`);
});
