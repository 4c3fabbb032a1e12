import assert from 'node:assert/strict';
import test from 'node:test';
import { drawPlan } from './plan.ts';
import { countCoverage, measureCoverage } from './coverage.ts';

test('what was met is read from a trace, and what was only planned is not counted', () => {
  const drawn = drawPlan(1, 1);
  const [boot] = drawn.boots;
  assert.ok(boot !== undefined);
  const plan = {
    ...drawn,
    boat: { ...drawn.boat, legacyQueue: undefined },
    boots: [{ ...boot, clockBehindMs: Date.UTC(2070, 0) }],
  };
  const met = measureCoverage(
    [
      '0 boat boots, 1',
      '5 incident link {"state":"portal"}',
      '6 incident clock-wrong {"aheadMs":1}',
      '7 net 1 GET /api/v1/health portal_511 511',
      '8 net 2 POST /api/v1/data/import none 413',
      '9 net 3 POST /api/v1/data/import exchange ECONNRESET',
      '9 net 4 POST /api/v1/data/import none 200',
      '10 boat info Removed export q_1: central holds it',
      '11 POST /export/generate {"type":"full"} 507 DISK_FULL',
      '12 POST /export/generate {"type":"full"} 200 q_2',
      '13 boat loses power after 7 steps',
    ],
    plan,
  );
  assert.deepEqual(Object.fromEntries(met), {
    'boot in 1970': 1,
    'link portal': 1,
    'clock-wrong': 1,
    portal_511: 1,
    '413': 1,
    'exchange ECONNRESET': 1,
    'removed by retention': 1,
    'refused: DISK_FULL': 1,
    'power lost': 1,
  });
  const counts = countCoverage(met);
  assert.equal(counts['exports removed'], 1);
  assert.equal(counts['refusals for the card'], 1);
  assert.equal(counts['holds for thrift'], 0);
});
