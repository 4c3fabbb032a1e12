import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { Plan } from './plan.ts';
import { type Action, type BootPlan, CALM_BOOT } from './plan-boots.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './plan-times.ts';
import { runPlan } from './run-plan.ts';
import { type CentralDatabase, openCentralDatabase } from './simulated-central.ts';
import { toSmallPlan } from './small-scenario.ts';

let database: CentralDatabase;
before(async () => {
  database = await openCentralDatabase();
});
after(() => database.close());

const EXPORT: Action = { kind: 'export', type: 'incremental' };
const CHANGE: Action = { kind: 'change', source: 'alerts' };
const ROWS: Action = { kind: 'rows', source: 'boatlog', count: 2 };

/** A boot of one hour in which an action happens every minute. */
function toBoot(actions: readonly Action[], over: Partial<BootPlan> = {}): BootPlan {
  return {
    ...CALM_BOOT,
    onMs: HOUR_MS,
    offMs: MINUTE_MS,
    ending: 'stop',
    actions: actions.map((action, index) => ({ afterMs: 10 * SECOND_MS + index * MINUTE_MS, action })),
    ...over,
  };
}

/** The weeks between the image and the card's end: five exports, each with a change. */
const WEEKS = [1, 2, 3, 4, 5].flatMap(() => [CHANGE, ROWS, EXPORT]);

/** The card is copied after the first boot, and the image is written to a new card after the second one. */
function toPlan(weeks: BootPlan, restored: readonly BootPlan[], over: Partial<Plan> = {}): Plan {
  const small = toSmallPlan();
  return {
    ...small,
    days: ((2 + restored.length) * (HOUR_MS + MINUTE_MS)) / (24 * HOUR_MS),
    boat: { ...small.boat, alertRows: 4, legacyQueue: undefined },
    boots: [toBoot([{ kind: 'export', type: 'full' }]), weeks, ...restored],
    actions: [],
    incidents: [],
    card: { imagedAfterBoot: 0, restoredAfterBoot: 1 },
    ...over,
  };
}

async function run(plan: Plan) {
  await database.empty();
  const { violations, coverage } = await runPlan(plan, database.store);
  assert.deepEqual(violations, []);
  return coverage;
}

test('if a card is restored from an image taken five exports earlier, central ends up with the same records as the sources', async () => {
  const coverage = await run(toPlan(toBoot(WEEKS), [toBoot([ROWS, EXPORT])]));
  assert.deepEqual([coverage.get('card restored'), coverage.get('ledger begun')], [1, 1]);
});

test('exports created on a restored card without a network reach central in the new ledger', async () => {
  const incidents = [
    { atMs: 2 * HOUR_MS + 2 * MINUTE_MS, incident: { kind: 'link', state: 'down' } },
    { atMs: 2 * HOUR_MS + 50 * MINUTE_MS, incident: { kind: 'link', state: 'up' } },
  ] as const;
  // More exports than on the old card, so that the last ones have sequences new to central.
  const many = Array.from({ length: 9 }, () => [ROWS, EXPORT]).flat();
  const coverage = await run(toPlan(toBoot(WEEKS), [toBoot(many)], { incidents }));
  assert.equal(coverage.get('ledger begun'), 1);
});

test('the sequence of an export cancelled on the old card is not used by an export from the restored card', async () => {
  const incidents = [
    { atMs: HOUR_MS + MINUTE_MS, incident: { kind: 'link', state: 'down' } },
    { atMs: HOUR_MS + 4 * MINUTE_MS, incident: { kind: 'link', state: 'up' } },
  ] as const;
  const weeks = toBoot([CHANGE, EXPORT, { kind: 'cancel', which: 0 }, ...WEEKS]);
  const coverage = await run(toPlan(weeks, [toBoot([ROWS, EXPORT])], { incidents }));
  assert.equal(coverage.get('ledger begun'), 1);
});

test('a power cut while the boat begins a new ledger loses nothing', async () => {
  for (const cutAtStep of [40, 60, 80])
    await run(toPlan(toBoot(WEEKS), [toBoot([ROWS, EXPORT], { cutAtStep }), toBoot([ROWS, EXPORT])]));
});

test('two boats with copies of one card lose nothing, and the operator is warned', async () => {
  const boots = [toBoot([ROWS, EXPORT, { kind: 'rows', source: 'captures', count: 2 }, EXPORT])];
  for (const copied of [boots, boots.map((boot) => ({ ...boot, cutAtStep: 60 }))]) {
    const coverage = await run(
      toPlan(toBoot(WEEKS), [toBoot([ROWS, EXPORT])], {
        card: undefined,
        copy: { copiedAfterBoot: 0, boots: copied },
      }),
    );
    assert.equal(coverage.get('card copied'), 1);
  }
});
