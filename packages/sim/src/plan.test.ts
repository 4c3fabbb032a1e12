import assert from 'node:assert/strict';
import test from 'node:test';
import { daysOf, describePlan, drawPlan } from './plan.ts';
import { DAY_MS } from './plan-times.ts';

const SEEDS = Array.from({ length: 300 }, (_, index) => index + 1);

test('a seed has one plan, and its description lists everything in it', () => {
  const [plan, again] = [drawPlan(7, 3), drawPlan(7, 3)];
  assert.deepEqual(plan, again);
  assert.notDeepEqual(plan, drawPlan(8, 3));
  const inBoots = plan.boots.reduce(
    (sum, { actions, incidents }) => sum + actions.length + incidents.length,
    0,
  );
  assert.equal(
    describePlan(plan).length,
    2 + plan.incidents.length + plan.actions.length + plan.boots.length + inBoots,
  );
});

test('every tenth seed lasts weeks, with a new month, often a clock change, and a week or more without a network', () => {
  const ofWeeks = SEEDS.filter((seed) => daysOf(seed) >= 30).map((seed) => drawPlan(seed, daysOf(seed)));
  assert.equal(ofWeeks.length, SEEDS.length / 10);
  const offsetOf = (timeZone: string, atMs: number): string | undefined =>
    new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
      .formatToParts(atMs)
      .find(({ type }) => type === 'timeZoneName')?.value;
  let clockChanges = 0;
  for (const { startWallMs, days, boat, incidents } of ofWeeks) {
    const endMs = startWallMs + days * DAY_MS;
    assert.notEqual(new Date(startWallMs).getUTCMonth(), new Date(endMs).getUTCMonth());
    if (offsetOf(boat.timeZone, startWallMs) !== offsetOf(boat.timeZone, endMs)) clockChanges += 1;
    const links = incidents.filter(({ incident }) => incident.kind === 'link');
    const isAway = links.some(
      ({ atMs, incident }, index) =>
        incident.kind === 'link' &&
        incident.state === 'down' &&
        (links[index + 1]?.atMs ?? endMs) - atMs >= 7 * DAY_MS,
    );
    assert.ok(isAway, 'a week without a network');
  }
  assert.ok(clockChanges >= ofWeeks.length / 4, `${clockChanges} clock changes`);
});

test('the daily timer fires once on each day of the run', () => {
  const plan = drawPlan(10, 40);
  const days = plan.actions.map(({ afterMs }) => Math.floor((plan.startWallMs + afterMs) / DAY_MS));
  assert.equal(new Set(days).size, 40);
});
