import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimEvent } from './events.ts';
import { createTrace, firstDifference } from './trace.ts';

const log = (message: string): SimEvent => ({ kind: 'log', level: 'info', message, facts: undefined });

test('equal traces have equal digests and no difference', () => {
  const [one, other] = [createTrace(() => 5), createTrace(() => 5)];
  for (const trace of [one, other]) for (const message of ['a', 'b\nc']) trace.add(log(message));
  assert.deepEqual(one.lines, ['5 log info a', '5 log info b⏎c']);
  assert.deepEqual(one.events, [log('a'), log('b\nc')]);
  assert.equal(one.digest(), other.digest());
  assert.equal(firstDifference(one.lines, other.lines), undefined);
  other.add(log('d'));
  assert.notEqual(one.digest(), other.digest());
});

test('the first difference is shown with the lines before it', () => {
  const difference = firstDifference(['1', '2', '3', '4', 'x', '6'], ['1', '2', '3', '4', 'y', '6']);
  assert.match(difference ?? '', /line 5/);
  assert.match(difference ?? '', /both {4}2\n.*3\n.*4\n {2}first {3}x\n {2}second {2}y/);
  assert.match(firstDifference(['1'], ['1', '2']) ?? '', /first {3}\(ended\)/);
});
