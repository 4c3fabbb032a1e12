import assert from 'node:assert/strict';
import test from 'node:test';
import { HEALTH_PATH, IMPORT_PATH } from '@d3kos/protocol';
import { measureCoverage, sumCoverage } from './coverage.ts';
import type { SimEvent } from './events.ts';
import { drawPlan } from './plan.ts';

const exchange = { kind: 'exchange', number: 1, method: 'POST', path: IMPORT_PATH } as const;
const request = { kind: 'request_answered', request: 'POST /export/generate', body: {} } as const;

test('coverage counts events that happened, not those that were only planned', () => {
  const drawn = drawPlan(1, 1);
  const [boot] = drawn.boots;
  assert.ok(boot !== undefined);
  const plan = {
    ...drawn,
    boat: { ...drawn.boat, legacyQueue: undefined, hasMalformedFiles: false },
    boots: [{ ...boot, clockBehindMs: Date.UTC(2070, 0) }],
  };
  const events: readonly SimEvent[] = [
    { kind: 'boot', boot: 1 },
    { kind: 'incident_began', incident: { kind: 'link', state: 'portal' } },
    { kind: 'incident_began', incident: { kind: 'clock-wrong', forMs: 1, aheadMs: 1 } },
    { ...exchange, method: 'GET', path: HEALTH_PATH, outcome: 'answered', fault: 'portal_511', status: 511 },
    { ...exchange, outcome: 'answered', fault: 'none', status: 413 },
    { ...exchange, outcome: 'answered', fault: 'none', status: 503 },
    { ...exchange, outcome: 'failed', phase: 'exchange', code: 'ECONNRESET' },
    { ...exchange, outcome: 'answered', fault: 'none', status: 200 },
    { kind: 'delivery', event: { kind: 'delivered', queueId: 'q_1' } },
    { kind: 'export_removed', queueId: 'q_1' },
    { ...request, status: 507, code: 'DISK_FULL', queueId: undefined, isQueued: undefined },
    { ...request, status: 200, code: undefined, queueId: 'q_2', isQueued: true },
    { ...request, status: 200, code: undefined, queueId: undefined, isQueued: false },
    { kind: 'power_lost', steps: 7 },
  ];
  const coverage = measureCoverage(events, plan);
  assert.deepEqual(Object.fromEntries(coverage), {
    'boot in 1970': 1,
    'link portal': 1,
    'clock-wrong': 1,
    portal_511: 1,
    '413': 1,
    'central fails an import': 1,
    'exchange ECONNRESET': 1,
    'exports delivered': 1,
    'removed by retention': 1,
    'refused: DISK_FULL': 1,
    'nothing queued': 1,
    'power lost': 1,
  });
  const sums = sumCoverage(coverage);
  assert.equal(sums['exports removed'], 1);
  assert.equal(sums['refusals for the card'], 1);
  assert.equal(sums['send holds'], 0);
});
