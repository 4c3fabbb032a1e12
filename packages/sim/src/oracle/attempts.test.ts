import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEALTH_PATH, IMPORT_PATH } from '@d3kos/protocol';
import type { ExchangeEvent, SimEvent } from '../events.ts';
import type { Fault } from '../network-faults.ts';
import { checkAttempts } from './attempts.ts';

const PROBE = { kind: 'exchange', number: 1, method: 'GET', path: HEALTH_PATH } as const;
const SPENT: SimEvent = {
  kind: 'delivery',
  event: {
    kind: 'attempt_spent',
    queueId: 'q_1',
    detail: 'HTTP 500 UNAVAILABLE',
    next: { kind: 'retry', retry: 2, delayMs: 900_000, nominalDelayMs: 900_000 },
  },
};

function answered(fault: Fault | 'none', status: number): ExchangeEvent {
  return { ...PROBE, outcome: 'answered', fault, status };
}

const toPortal: SimEvent = {
  kind: 'delivery',
  event: {
    kind: 'destination_changed',
    destination: { state: 'captive_portal', sinceWallMs: 0, detail: '' },
  },
};
const REFUSED: ExchangeEvent = {
  kind: 'exchange',
  number: 1,
  method: 'POST',
  path: IMPORT_PATH,
  outcome: 'answered',
  fault: 'proxy_refusal',
  status: 403,
};

test("a proxy's refusal counts as a captive portal only after a probe", () => {
  const violationsIn = (events: readonly SimEvent[]): number => {
    const violations: string[] = [];
    checkAttempts(events, (text) => violations.push(text));
    return violations.length;
  };
  assert.equal(violationsIn([REFUSED, toPortal]), 1);
  assert.equal(violationsIn([{ ...REFUSED, status: 200 }, toPortal]), 1);
  assert.equal(violationsIn([REFUSED, answered('portal_page', 200), toPortal]), 0);
});

test('an attempt is used up only after central, or a gateway in front of it, answered the probe', () => {
  const probes: readonly (readonly [probe: ExchangeEvent | undefined, maySpend: boolean])[] = [
    [answered('none', 200), true],
    [answered('none', 503), true],
    [answered('request_doubled', 200), true],
    [answered('gateway_502', 502), true],
    [answered('gateway_504', 504), true],
    [answered('answer_short', 500), true],
    [answered('answer_short', 200), false],
    [answered('portal_page', 200), false],
    [answered('answer_broken', 500), false],
    [{ ...PROBE, outcome: 'failed', phase: 'connect', code: 'ETIMEDOUT' }, false],
    [undefined, false],
  ];
  for (const [probe, maySpend] of probes) {
    const violations: string[] = [];
    checkAttempts([...(probe === undefined ? [] : [probe]), SPENT], (text) => violations.push(text));
    assert.equal(violations.length, maySpend ? 0 : 1, JSON.stringify(probe));
  }
});
