import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDatabases } from '../platform/sqlite.ts';
import type { MonotonicMs } from '../platform/ports.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DeliveryEvent } from './delivery-event.ts';
import { createDivergence } from './divergence.ts';
import { createDeliveryReporter } from './delivery-reporter.ts';
import { createEntrySelector } from './entry-selector.ts';
import { createPartFailures } from './part-failures.ts';
import type { Verdict } from './policy/verdict.ts';
import { type DeliveryResult, settleDelivery } from './settle-delivery.ts';

const root = temporaryRoot('settle-delivery');
const UNAVAILABLE: Verdict = { kind: 'unavailable', affects: 'export', detail: 'HTTP 503 UNAVAILABLE: away' };

let made = 0;
let ledgers = 0;
/** Creates a worker's components around one entry that is being sent. */
function startDelivery() {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () =>
    createHash('sha256')
      .update(String((ledgers += 1)))
      .digest('hex')
      .slice(0, 16),
  );
  ledger.queue.enqueue(newEntry(1), []);
  const entry = ledger.queue.claim(() => true);
  assert.ok(entry !== undefined);
  const world = { clock: createClock(), random: { fraction: () => 0, hex: () => '' } };
  const events: DeliveryEvent[] = [];
  const reporter = createDeliveryReporter(createKeptLog(), (event) => events.push(event));
  const deadLetters: DeadLetters = {
    deadLetter: async ({ entryNo, exportFile }, reason) =>
      ledger.queue.fail(entryNo, { atMs: world.clock.wall(), reason, archiveFile: exportFile }),
    isMoving: () => false,
  };
  const breaker = createCircuitBreaker(world, reporter.report);
  const selector = createEntrySelector(world, ledger, {
    partSizeBytes: 16_384,
    dataBudget: { meteredSizeMaxBytes: undefined, monthlyBytesMax: undefined },
    isMoving: () => false,
  });
  let hoursMs = 0;
  const deps = {
    world,
    ledger,
    breaker,
    selector,
    failures: createPartFailures(),
    deadLetters,
    divergence: createDivergence(
      { clock: { ...world.clock, monotonic: () => (world.clock.monotonic() + hoursMs) as MonotonicMs } },
      ledger,
    ),
    reporter,
    configuration: 'token 1',
  };
  const settle = async (result: DeliveryResult) => {
    await settleDelivery(deps, entry, result);
    return ledger.queue.get(entry.entryNo);
  };
  const settleVerdict = (verdict: Verdict) => {
    assert.ok(verdict.kind !== 'delivered' && verdict.kind !== 'cut_smaller');
    return settle({ kind: 'stopped', verdict, wireSizeBytes: 100 });
  };
  const kinds = () => events.map(({ kind }) => kind);
  const passHour = () => void (hoursMs += 3_600_000);
  return { ledger, entry, breaker, selector, events, kinds, settle, settleVerdict, passHour };
}

test('if one export fails, it uses up one attempt, and only this export waits', async () => {
  const { breaker, selector, kinds, settleVerdict } = startDelivery();
  const after = await settleVerdict(UNAVAILABLE);
  assert.deepEqual([after?.status, after?.retryCount, after?.wireSizeBytes], ['pending', 1, 100]);
  assert.equal(breaker.openForMs(), 0);
  assert.equal(selector.nextDueMs(), 0, 'the first retry is immediate');
  assert.deepEqual(kinds(), ['destination_changed', 'attempt_spent']);
});

test('if central fails for every export, one attempt is used up, and all exports wait equally long', async () => {
  const { breaker, settleVerdict } = startDelivery();
  const verdict = {
    kind: 'unavailable',
    affects: 'central',
    detail: 'HTTP 503',
    retryAfterMs: 60_000,
  } as const;
  const after = await settleVerdict(verdict);
  assert.equal(after?.retryCount, 1);
  assert.ok(breaker.openForMs() > 50_000, `${breaker.openForMs()} ms`);
});

test("refusals due to central's quota use up no attempts, and all exports wait", async () => {
  const { ledger, entry, breaker, kinds, settleVerdict } = startDelivery();
  const verdict = {
    kind: 'throttled',
    detail: 'HTTP 429 QUOTA_EXCEEDED: spent',
    retryAfterMs: 60_000,
  } as const;
  for (let refusals = 1; refusals <= 12; refusals += 1) {
    const after = await settleVerdict(verdict);
    assert.deepEqual([after?.status, after?.retryCount], ['pending', 0]);
    assert.ok(ledger.queue.claim(({ entryNo }) => entryNo === entry.entryNo) !== undefined);
  }
  assert.equal(breaker.destination().state, 'unavailable');
  assert.ok(breaker.openForMs() > 50 * 60_000, 'the delay grows to an hour');
  breaker.recordSuccess();
  await settleVerdict(verdict);
  assert.ok(breaker.openForMs() <= 66_000, 'the delay is short again once central has accepted a part');
  assert.deepEqual([...new Set(kinds())], ['destination_changed', 'waits_unspent']);
});

test('an unreachable destination uses up no attempt, and the breaker stays open until a probe reaches it', async () => {
  const { breaker, kinds, settleVerdict } = startDelivery();
  const after = await settleVerdict({ kind: 'unreachable', destination: 'offline', detail: 'no answer' });
  assert.deepEqual([after?.status, after?.retryCount], ['pending', 0]);
  assert.equal(breaker.destination().state, 'offline');
  assert.ok(breaker.openForMs() > 0 && breaker.isWaitingForLink());
  assert.deepEqual(kinds(), ['destination_changed', 'waits_unspent']);
});

test('a downgrade to tier 0 during a send uses up no attempt', async () => {
  const { kinds, settle } = startDelivery();
  const refusal = {
    kind: 'refused',
    code: 'TIER_TOO_LOW',
    message: 'Tier 0',
    hint: 'Upgrade.',
    tier: 0,
  } as const;
  const after = await settle({ kind: 'not_permitted', refusal, wireSizeBytes: 100 });
  assert.deepEqual([after?.status, after?.retryCount, after?.wireSizeBytes], ['pending', 0, 100]);
  assert.deepEqual(kinds(), ['waits_unspent', 'not_permitted']);
});

test('only an export that is refused on the way waits, longer each time, and gets its attempts back', async () => {
  const { ledger, entry, breaker, selector, kinds, settleVerdict } = startDelivery();
  await settleVerdict(UNAVAILABLE);
  const waits: number[] = [];
  for (let refusals = 1; refusals <= 11; refusals += 1) {
    selector.sendAllNow();
    assert.equal(selector.next(false).entry?.entryNo, entry.entryNo);
    breaker.reset();
    const after = await settleVerdict({ kind: 'refused_on_the_way', detail: 'HTTP 403' });
    assert.deepEqual([after?.status, after?.retryCount, after?.refusalCount], ['pending', 0, refusals]);
    if (refusals < 5) assert.equal(breaker.openForMs(), 0, 'other exports are still sent');
    waits.push(Math.round(selector.nextDueMs() / 1000));
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
  assert.deepEqual([breaker.destination().state, breaker.destination().detail], ['online', 'HTTP 403']);
  assert.equal(kinds().filter((kind) => kind === 'stepped_aside').length, 11);
  const stored = (ledger.queue.get(entry.entryNo)?.nextRetryAtMs ?? 0) - Date.now();
  assert.ok(stored > 3_500_000 && stored <= 3_600_000, 'the delay is stored for the next start');
});

test('a refusal by central uses up no attempt and opens the breaker until the token changes', async () => {
  const { breaker, settleVerdict } = startDelivery();
  const detail = 'HTTP 401 INVALID_TOKEN: unknown token';
  const after = await settleVerdict({ kind: 'blocked', status: 401, errorCode: 'INVALID_TOKEN', detail });
  assert.deepEqual([after?.status, after?.retryCount, after?.lastError], ['pending', 0, detail]);
  assert.ok(breaker.openForMs() > 59 * 60_000);
  breaker.recordConfiguration('token 1');
  assert.ok(breaker.openForMs() > 59 * 60_000);
  breaker.recordConfiguration('token 2');
  assert.equal(breaker.openForMs(), 0);
  assert.equal(breaker.destination().state, 'unknown');
});

test("dead-letters a rejected export immediately, with central's reason", async () => {
  const { events, kinds, settleVerdict } = startDelivery();
  const detail = 'HTTP 422 INVALID_FORMAT: no data';
  const after = await settleVerdict({ kind: 'rejected', by: 'central', errorCode: 'INVALID_FORMAT', detail });
  assert.deepEqual([after?.status, after?.lastError, after?.wireSizeBytes], ['failed', detail, 100]);
  assert.deepEqual(kinds(), ['destination_changed', 'rejected', 'dead_lettered']);
  assert.deepEqual(events.at(-1), { kind: 'dead_lettered', queueId: newEntry(1).queueId, reason: detail });
});

test('the fourth failed attempt dead-letters the export', async () => {
  const { ledger, entry, kinds, settleVerdict } = startDelivery();
  for (const spent of [1, 2, 3]) {
    const after = await settleVerdict(UNAVAILABLE);
    assert.deepEqual([after?.status, after?.retryCount], ['pending', spent]);
    ledger.queue.claim(({ entryNo }) => entryNo === entry.entryNo);
  }
  const after = await settleVerdict(UNAVAILABLE);
  assert.deepEqual([after?.status, after?.wireSizeBytes], ['failed', 400]);
  assert.deepEqual(kinds().slice(-2), ['attempt_spent', 'dead_lettered']);
});

test("an unreadable file uses up an attempt and does not change central's state", async () => {
  const { breaker, kinds, settleVerdict } = startDelivery();
  const after = await settleVerdict({ kind: 'unreadable', detail: 'I/O error' });
  assert.deepEqual([after?.status, after?.retryCount], ['pending', 1]);
  assert.equal(breaker.destination().state, 'unknown');
  assert.deepEqual(kinds(), ['attempt_spent']);
});

test('a paused export is waiting again, unchanged', async () => {
  const { entry, kinds, settle } = startDelivery();
  const after = await settle({ kind: 'paused' });
  assert.deepEqual({ ...after, status: 'uploading' }, entry);
  assert.equal(after?.status, 'pending');
  assert.deepEqual(kinds(), ['paused']);
});

const DIVERGED: Verdict = { kind: 'diverged', detail: 'HTTP 409 LEDGER_DIVERGED: another export' };

test('replaces a diverged ledger immediately, and the export waits in the new one with all its attempts', async () => {
  const { ledger, breaker, events, kinds, settleVerdict } = startDelivery();
  const before = ledger.facts.ledgerId;
  const after = await settleVerdict(DIVERGED);
  const { ledgerId } = ledger.facts;
  assert.notEqual(ledgerId, before);
  assert.deepEqual(
    [after?.status, after?.retryCount, after?.wireSizeBytes, after?.lastError],
    ['pending', 0, 100, DIVERGED.detail],
  );
  assert.deepEqual([after?.sequence, after?.exportId], [1, `exp_${ledgerId}_1`]);
  assert.deepEqual([breaker.openForMs(), breaker.destination().state], [0, 'online']);
  assert.deepEqual(kinds(), ['destination_changed', 'waits_unspent', 'ledger_begun']);
  const begun = events.at(-1);
  assert.equal(begun?.kind === 'ledger_begun' && begun.change.oldLedgerId, before);
});

test('does not begin another ledger for an hour if central refuses the new one before accepting any part of it', async () => {
  const { ledger, breaker, settleVerdict, passHour } = startDelivery();
  await settleVerdict(DIVERGED);
  const second = ledger.facts.ledgerId;
  for (let time = 0; time < 3; time += 1) {
    ledger.queue.claim(() => true);
    const after = await settleVerdict(DIVERGED);
    assert.deepEqual([after?.status, after?.retryCount], ['pending', 0]);
  }
  assert.equal(ledger.facts.ledgerId, second);
  assert.equal(breaker.destination().state, 'blocked');
  assert.ok(breaker.openForMs() > 3_500_000);
  passHour();
  ledger.queue.claim(() => true);
  await settleVerdict(DIVERGED);
  assert.notEqual(ledger.facts.ledgerId, second);
});

test('may immediately replace a ledger once central has accepted a part of it', async () => {
  const { ledger, entry, settle, settleVerdict } = startDelivery();
  await settleVerdict(DIVERGED);
  const second = ledger.facts.ledgerId;
  await settle({ kind: 'delivered', entry, report: undefined });
  ledger.queue.claim(() => true);
  await settleVerdict(DIVERGED);
  assert.notEqual(ledger.facts.ledgerId, second);
});
