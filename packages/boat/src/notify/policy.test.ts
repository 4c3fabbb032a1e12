import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideAfterWebhook, decideStep, findCondition, toLongWait, type WebhookOutcome } from './policy.ts';

const FACTS = { failedCount: 0, waitingCount: 0, afterDays: 7 };
const condition = (exportCount: number) => ({ exportCount, state: 'warn', message: 'm' }) as const;
const raised = (exportCount: number) => ({ exportCount, remoteId: 'r' });

describe('a condition', () => {
  it('contains only the number of exports and no other details', () => {
    assert.deepEqual(findCondition('failed', { ...FACTS, failedCount: 1 }), {
      exportCount: 1,
      state: 'warn',
      message: '1 export could not be delivered. Data Management shows the reason.',
    });
    const waiting = findCondition('waiting', { ...FACTS, waitingCount: 3 });
    assert.ok(typeof waiting === 'object');
    assert.match(waiting.message, /^3 exports have been waiting to be sent ashore for more than 7 days/);
  });

  it('is none if no export has failed or is waiting, and unknown while the clock is wrong', () => {
    assert.equal(findCondition('failed', FACTS), 'none');
    assert.equal(findCondition('waiting', FACTS), 'none');
    assert.equal(findCondition('waiting', { ...FACTS, waitingCount: undefined }), 'unknown');
  });

  it('begins after the given number of days', () => {
    const nowMs = Date.UTC(2026, 5, 8);
    assert.equal(toLongWait(nowMs, 7).untilMs, Date.UTC(2026, 5, 1));
  });
});

describe('the step of a channel', () => {
  const table = [
    ['signalk', 'failed', condition(1), undefined, 'raise'],
    ['signalk', 'failed', condition(1), raised(1), 'none'],
    ['signalk', 'failed', condition(1), raised(2), 'update'],
    ['signalk', 'waiting', condition(2), raised(1), 'update'],
    ['signalk', 'waiting', 'none', raised(1), 'clear'],
    ['signalk', 'waiting', 'none', undefined, 'none'],
    ['signalk', 'waiting', 'unknown', raised(1), 'none'],
    ['signalk', 'waiting', 'unknown', undefined, 'none'],
    ['webhook', 'failed', condition(2), raised(1), 'update'],
    ['webhook', 'failed', condition(1), raised(2), 'none'],
    ['webhook', 'waiting', condition(2), raised(1), 'none'],
    ['webhook', 'waiting', 'none', raised(1), 'clear'],
  ] as const;
  for (const [channel, subject, wanted, shown, step] of table)
    it(`of ${channel} about ${subject} is ${step} for ${JSON.stringify([wanted, shown])}`, () => {
      assert.equal(decideStep(channel, subject, wanted, shown).kind, step);
    });
});

describe('after a webhook call', () => {
  const after = (outcome: WebhookOutcome, tries: number, failures: number) =>
    decideAfterWebhook(outcome, { tries, failures, fraction: 0 });
  const failed = { kind: 'failed', detail: 'x' } as const;
  const unreachable = { kind: 'unreachable', detail: 'x' } as const;

  it('the delay doubles from a minute to an hour', () => {
    const delays = [1, 2, 3, 7, 50].map((tries) => {
      const next = after(unreachable, tries, 0);
      return next.kind === 'retry' ? next.delayMs / 60_000 : next.kind;
    });
    assert.deepEqual(delays, [1, 2, 4, 60, 60]);
  });

  it('gives up on a failing receiver after 20 calls, but never on an unreachable one', () => {
    let failures = 0;
    let calls = 0;
    for (
      let next = after(failed, 1, failures);
      next.kind === 'retry';
      next = after(failed, calls, failures)
    ) {
      failures = next.failures;
      calls += 1;
    }
    assert.equal(calls, 19);
    assert.equal(after(unreachable, 10_000, 19).kind, 'retry');
    assert.equal(after({ kind: 'refused', detail: 'x' }, 1, 0).kind, 'give_up');
    assert.equal(after({ kind: 'accepted' }, 1, 0).kind, 'done');
  });
});
