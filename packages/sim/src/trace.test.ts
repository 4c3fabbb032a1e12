import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTrace, firstDifference } from './trace.ts';

test('equal traces have equal digests and no difference', () => {
  const [one, other] = [createTrace(() => 5), createTrace(() => 5)];
  for (const trace of [one, other]) for (const line of ['a', 'b\nc']) trace.add(line);
  assert.deepEqual(one.lines, ['5 a', '5 b⏎c']);
  assert.equal(one.digest(), other.digest());
  assert.equal(firstDifference(one.lines, other.lines), undefined);
  other.add('d');
  assert.notEqual(one.digest(), other.digest());
});

test('the first difference is shown with what came before it', () => {
  const told = firstDifference(['1', '2', '3', '4', 'x', '6'], ['1', '2', '3', '4', 'y', '6']);
  assert.match(told ?? '', /line 5/);
  assert.match(told ?? '', /both {4}2\n.*3\n.*4\n {2}first {3}x\n {2}second {2}y/);
  assert.match(firstDifference(['1'], ['1', '2']) ?? '', /first {3}\(has ended\)/);
});
