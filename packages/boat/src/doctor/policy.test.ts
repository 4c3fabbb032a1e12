import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  CHECKS,
  type Finding,
  isHealthy,
  isLeftBehind,
  isSameList,
  judgeCredentialsMode,
  judgeFsync,
  judgeSpace,
  orOk,
  toComparableQueue,
  toFsyncFigure,
  toQueueIds,
  toReportedFindings,
} from './policy.ts';

const finding = (level: Finding['level'], check: Finding['check'] = 'files'): Finding => ({
  check,
  level,
  message: level,
});

test('a report is healthy if no finding is a problem', () => {
  assert.ok(isHealthy([]));
  assert.ok(isHealthy([finding('ok'), finding('note')]));
  assert.ok(!isHealthy([finding('ok'), finding('problem'), finding('note')]));
});

test('reports the checks in order, and counts findings beyond the limit without hiding a problem', () => {
  const many = Array.from({ length: 25 }, (_, at) => finding(at === 24 ? 'problem' : 'note'));
  const reported = toReportedFindings([...many, finding('ok', 'ledger')]);
  assert.deepEqual(reported[0]?.check, 'ledger');
  assert.equal(reported.length, 22);
  assert.deepEqual(reported.at(-1), { check: 'files', level: 'problem', message: '5 more of this kind' });
  assert.equal(toReportedFindings(many.slice(0, 20)).length, 20);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('ok', 'note', 'problem'), fc.constantFrom(...CHECKS)), {
        maxLength: 200,
      }),
      (drawn) => {
        const findings = drawn.map(([level, check]) => finding(level, check));
        assert.equal(isHealthy(toReportedFindings(findings)), isHealthy(findings));
      },
    ),
  );
  assert.deepEqual(orOk('files', [], 'well'), [{ check: 'files', level: 'ok', message: 'well' }]);
});

test('the percentiles are among the latencies, and a slow disk is reported as a note', () => {
  assert.equal(toFsyncFigure([]), undefined);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 50 }),
      (latencies) => {
        const figure = toFsyncFigure(latencies);
        assert.ok(figure !== undefined);
        assert.ok(latencies.includes(figure.p50Ms) && latencies.includes(figure.p95Ms));
        assert.ok(figure.p50Ms <= figure.p95Ms);
      },
    ),
  );
  assert.equal(judgeFsync({ samples: 20, p50Ms: 5, p95Ms: 30 }).level, 'ok');
  assert.equal(judgeFsync({ samples: 20, p50Ms: 5, p95Ms: 3_000 }).level, 'note');
});

test("compares the free space with the reserve, and checks the token's permissions", () => {
  assert.equal(judgeSpace(100, 100).level, 'ok');
  assert.equal(judgeSpace(99, 100).level, 'problem');
  for (const [mode, level] of [
    [0o600, 'ok'],
    [0o400, 'ok'],
    [0o640, 'problem'],
    [0o604, 'problem'],
    [0o666, 'problem'],
  ] as const)
    assert.equal(judgeCredentialsMode('token.json', mode).level, level, mode.toString(8));
});

test('while a daemon runs, only an old temporary file counts as abandoned, and files are kept if the clock was set back', () => {
  assert.ok(isLeftBehind(1_000, 1_000, 'alone'));
  assert.ok(!isLeftBehind(1_000, 2_000, 'beside_daemon'));
  assert.ok(isLeftBehind(1_000, 61_000, 'beside_daemon'));
  assert.ok(!isLeftBehind(500_000, 1_000, 'beside_daemon'));
});

test("reads a view's lists, and nothing from any other document", () => {
  const view = {
    pending: [{ queue_id: 'b' }],
    uploading: [{ queue_id: 'a' }],
    completed: [{ queue_id: 'd' }],
    failed: [],
  };
  assert.deepEqual(toComparableQueue(view), ['completed d', 'waiting a', 'waiting b']);
  for (const other of [
    undefined,
    null,
    [],
    'x',
    {},
    { ...view, failed: {} },
    { ...view, failed: [{ queue_id: 7 }] },
  ])
    assert.equal(toComparableQueue(other), undefined, JSON.stringify(other));
  assert.deepEqual(toQueueIds(view, 'pending'), ['b']);
  assert.ok(isSameList(['a', 'b'], ['a', 'b']));
  for (const other of [['a'], ['b', 'a'], ['a', 'b', 'c']]) assert.ok(!isSameList(['a', 'b'], other));
});
