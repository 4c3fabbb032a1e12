import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  scheduledReturn,
  type FleetResult,
  type FleetScenario,
  runReturningFleet,
  sameReturn,
} from './support/returning-fleet.ts';

/** 10,000 boats, and one node of two cores as measured (docs/reference/performance.md). Three exports wait on each boat. */
const FLEET: FleetScenario = {
  boats: 10_000,
  waitingExports: 3,
  nodes: 1,
  nodeImportsPerS: 85,
  refusalMs: 2,
  createSchedule: scheduledReturn,
  seed: 300,
};

/** Prints the first half hour, minute by minute. */
function printCurve(t: TestContext, { minutes, drainedMs }: FleetResult): void {
  t.diagnostic('minute  arrived   stored  refused');
  for (const [at, { arrived, stored, refused }] of minutes.slice(0, 30).entries())
    t.diagnostic([at, arrived, stored, refused].map((value) => String(value).padStart(6)).join('   '));
  t.diagnostic(`the last export was stored after ${Math.round(drainedMs / 60_000)} minutes`);
}

describe('a fleet of 10,000 boats whose central becomes available again at 03:00', () => {
  for (const nodes of [1, 2])
    test(`drains at ${nodes} node(s) without a second collapse, and no export fails`, async (t) => {
      const result = await runReturningFleet({ ...FLEET, nodes });
      printCurve(t, result);
      const { minutes, stored, deadLettered, refusalsMost } = result;
      assert.equal(stored, FLEET.boats * (FLEET.waitingExports + 1));
      assert.equal(deadLettered, 0);
      assert.ok(refusalsMost <= 3, `${refusalsMost} refusals of one export`);
      const [first, ...later] = minutes;
      assert.ok(first !== undefined && first.refused > 1_000, 'the first minute exceeds the capacity');
      for (const [at, minute] of later.entries())
        assert.ok(minute.refused < minute.arrived / 5, `minute ${at + 1}: ${minute.refused} refused`);
      // Twice the time that the nodes would need with all permits always in use.
      const waiting = FLEET.boats * FLEET.waitingExports;
      const idealMinutes = waiting / (nodes * FLEET.nodeImportsPerS * 60);
      const drained = minutes
        .slice(0, Math.ceil(2 * idealMinutes))
        .reduce((sum, minute) => sum + minute.stored, 0);
      assert.ok(drained >= 0.9 * waiting, `${drained} of ${waiting} stored in twice the shortest time`);
    });

  test('collapses again if every refused boat returns after the same time, which shows that the model can detect a collapse', async (t) => {
    const result = await runReturningFleet({ ...FLEET, createSchedule: sameReturn });
    printCurve(t, result);
    assert.ok(result.deadLettered > 1_000, `${result.deadLettered} exports failed`);
  });
});
