import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAttempts } from './oracle-traces.ts';

const SPENT = '9 boat info Export upload failed: q_1: HTTP 500 UNAVAILABLE: away. Retry 2/3 in 15 minutes';

test('an attempt may be spent only after central, or a gateway that stands for it, answered the look before it', () => {
  const looks: readonly (readonly [answer: string, maySpend: boolean])[] = [
    ['none 200', true],
    ['none 503', true],
    ['request_doubled 200', true],
    ['gateway_502 502', true],
    // A 5xx says who it is of without its body; a body that is cut off says nothing of who answered with 200.
    ['answer_short 500', true],
    ['answer_short 200', false],
    ['portal_page 200', false],
    ['answer_broken 500', false],
    ['connect_timeout', false],
  ];
  for (const [answer, maySpend] of looks) {
    const violations: string[] = [];
    checkAttempts([`8 net 1 GET /api/v1/health ${answer}`, SPENT], (text) => violations.push(text));
    assert.equal(violations.length, maySpend ? 0 : 1, answer);
  }
});
