import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { Incident } from './plan-incidents.ts';
import type { BoatPlan, Plan } from './plan.ts';
import { type Action, CALM_BOOT } from './plan-boots.ts';
import { MINUTE_MS, SECOND_MS } from './plan-times.ts';
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
const CHANGE: Action = { kind: 'change', source: 'alerts' };
/** Removes the files of all delivered exports. */
const CLEANUP: Action = { kind: 'cleanup', olderThanDays: 0 };
const BACKUP: Incident = { kind: 'central-backup' };
const RESTORE: Incident = { kind: 'central-restored', forMs: SECOND_MS };

type Moment = readonly [minute: number, event: Action | Incident];
const isIncident = (event: Action | Incident): event is Incident =>
  'kind' in event && event.kind.startsWith('central-');

/** Days of the run: one boot of two hours. */
const DAYS = 1 / 12;

/** Plans one boot with the given events in each minute. */
function toPlan(moments: readonly Moment[], boat: Partial<BoatPlan> = {}): Plan {
  const small = toSmallPlan();
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

async function run(plan: Plan) {
  await database.empty();
  const result = await runPlan(plan, database.store);
  assert.deepEqual(result.violations, []);
  assert.ok((result.coverage.get('central restored') ?? 0) > 0);
  return result;
}

/** Number of parts that central has stored since its last restoration. */
const importsAfterRestoration = (lines: readonly string[]): number =>
  lines
    .slice(lines.findLastIndex((line) => line.includes(' central_restored ')))
    .filter((line) => line.includes('"path":"/api/v1/data/import"') && line.includes('"status":200')).length;

test('exports that central has lost are sent again after one new export', async () => {
  const { coverage } = await run(
    toPlan([
      [1, FULL],
      [2, BACKUP],
      [3, ROWS],
      [4, EXPORT],
      [5, CHANGE],
      [6, EXPORT],
      [7, RESTORE],
    ]),
  );
  assert.equal(coverage.get('lost exports requeued'), 1);
  assert.equal(coverage.get('lost exports rewound'), undefined);
});

test('the records of lost exports without a file are part of the next export', async () => {
  const { coverage } = await run(
    toPlan([
      [1, FULL],
      [2, BACKUP],
      [3, ROWS],
      [4, CHANGE],
      [5, EXPORT],
      [6, ROWS],
      [7, EXPORT],
      [9, CLEANUP],
      [11, RESTORE],
    ]),
  );
  assert.equal(coverage.get('lost exports rewound'), 1);
});

test('a central that has lost everything about a boat gets everything again', async () => {
  for (const cleanup of [[], [[8, CLEANUP]]] as const) {
    const { coverage } = await run(
      toPlan([
        [0, BACKUP],
        [1, FULL],
        [2, ROWS],
        [3, EXPORT],
        [4, CHANGE],
        [5, EXPORT],
        ...cleanup,
        [10, RESTORE],
      ]),
    );
    assert.equal(coverage.get(cleanup.length === 0 ? 'lost exports requeued' : 'lost exports rewound'), 1);
  }
});

test('of an export with several parts, only the parts that central has lost are sent again', async () => {
  const { coverage, lines } = await run(
    toPlan(
      [
        [1, ROWS],
        [2, FULL],
        // The export needs 20 s, so the backup falls between two of its parts.
        [2.15, BACKUP],
        [20, RESTORE],
      ],
      { boatlogRows: 60, contentLengthMax: 2_500, bytesPerSecond: 500 },
    ),
  );
  assert.equal(coverage.get('lost exports requeued'), 1);
  const partCount = Number(/"partCount":(\d+)/.exec(lines.join('\n'))?.[1]);
  // One of them belongs to the new export whose answer reports the loss.
  const sent = importsAfterRestoration(lines) - 1;
  assert.ok(partCount > 4 && sent > 0 && sent < partCount, `${sent} of ${partCount} parts were sent again`);
});

test('exports that central loses twice within a day are sent again on the next day', async () => {
  const { coverage } = await run(
    toPlan([
      [1, FULL],
      [2, BACKUP],
      [3, ROWS],
      [4, EXPORT],
      [7, RESTORE],
      [8, ROWS],
      [9, EXPORT],
      [30, RESTORE],
      [31, ROWS],
      [32, EXPORT],
    ]),
  );
  assert.ok((coverage.get('lost exports requeued') ?? 0) >= 2);
});

test('exports that failed or were cancelled before central lost data are delivered once', async () => {
  const { coverage } = await run(
    toPlan([
      [1, FULL],
      [2, BACKUP],
      [3, { kind: 'central-rejects', forMs: 2 * MINUTE_MS }],
      [3.5, ROWS],
      [4, EXPORT],
      [6, ROWS],
      [7, EXPORT],
      [10, RESTORE],
    ]),
  );
  assert.equal(coverage.get('exports rejected'), 1);
  assert.equal(coverage.get('lost exports requeued'), 1);
});
