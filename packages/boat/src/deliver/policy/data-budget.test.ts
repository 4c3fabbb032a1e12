import assert from 'node:assert/strict';
import test from 'node:test';
import { decideSendHold, describeSendHold, type SendHold } from './data-budget.ts';

test('the owner\'s data budget decides which exports wait, and "send now" overrides it', () => {
  const none = { meteredSizeMaxBytes: undefined, monthlyBytesMax: undefined };
  const both = { meteredSizeMaxBytes: 100, monthlyBytesMax: 1_000 };
  const facts = { sizeBytes: 50, isMetered: false, monthBytes: 0, isSendNow: false, doOthersWait: false };
  const table: readonly (readonly [
    typeof none | typeof both,
    Partial<typeof facts> | { isMetered: undefined },
    SendHold | undefined,
  ])[] = [
    [none, { sizeBytes: 1e9, isMetered: true, monthBytes: 1e12 }, undefined],
    [both, {}, undefined],
    [both, { sizeBytes: 100, isMetered: true }, undefined],
    [both, { sizeBytes: 101, isMetered: true }, 'metered'],
    [both, { sizeBytes: 101, isMetered: false }, undefined],
    [both, { sizeBytes: 101, isMetered: undefined }, undefined],
    [both, { sizeBytes: 101, isMetered: true, doOthersWait: true }, undefined],
    [both, { monthBytes: 1_000, doOthersWait: true }, 'over_budget'],
    [both, { monthBytes: 999 }, undefined],
    [both, { monthBytes: 1_000 }, 'over_budget'],
    [both, { sizeBytes: 1e9, isMetered: true, monthBytes: 1e9, isSendNow: true }, undefined],
  ];
  for (const [budget, change, expected] of table)
    assert.equal(decideSendHold(budget, { ...facts, ...change }), expected, JSON.stringify(change));
  assert.equal(describeSendHold(undefined), '');
  assert.match(describeSendHold('metered'), /Send now/);
});
