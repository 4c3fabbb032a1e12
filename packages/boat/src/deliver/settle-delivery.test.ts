import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openLedger } from '../ledger/ledger.ts';
import type { LicenseResult } from '../license/policy.ts';
import { createClock } from '../platform/clock.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { createCutOffs } from './cut-offs.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DeliveryEvent } from './delivery-event.ts';
import { createDeliveryReporter } from './delivery-reporter.ts';
import { createEntrySelector } from './entry-selector.ts';
import type { ProbeResult } from './outcome.ts';
import type { Verdict } from './policy/verdict.ts';
import { type DeliveryResult, settleDelivery } from './settle-delivery.ts';

const root = temporaryRoot('settle-delivery');
const KNOWN: LicenseResult = {
  kind: 'known',
  installationId: '0123456789abcdef',
  tier: 2,
  source: 'tier_api',
};
const CENTRAL_ANSWERS: ProbeResult = { kind: 'central', timeWallMs: undefined, offers: [] };
const UNAVAILABLE: Verdict = { kind: 'unavailable', detail: 'HTTP 503 UNAVAILABLE: away' };

let made = 0;
/** A worker's parts around one entry that is being sent, where a probe of central has the result `probed`. */
function startDelivery(probed: ProbeResult = CENTRAL_ANSWERS, license: LicenseResult = KNOWN) {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
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
  let probes = 0;
  const deps = {
    world,
    ledger,
    license: { current: async () => license },
    central: {
      probe: async () => {
        probes += 1;
        return probed;
      },
    },
    breaker,
    selector,
    cutOffs: createCutOffs(),
    deadLetters,
    reporter,
    configuration: 'token 1',
  };
  const settle = async (result: DeliveryResult) => {
    await settleDelivery(deps, entry, result, new AbortController().signal);
    return ledger.queue.get(entry.entryNo);
  };
  const settleVerdict = (verdict: Verdict) => {
    assert.ok(verdict.kind !== 'delivered' && verdict.kind !== 'cut_smaller');
    return settle({ kind: 'stopped', verdict, wireSizeBytes: 100 });
  };
  const kinds = () => events.map(({ kind }) => kind);
  return { ledger, entry, breaker, selector, events, kinds, settle, settleVerdict, probes: () => probes };
}

test('a failure that a probe confirms spends one attempt, and only this export waits', async () => {
  const { breaker, selector, kinds, settleVerdict } = startDelivery();
  const after = await settleVerdict(UNAVAILABLE);
  assert.deepEqual([after?.status, after?.retryCount, after?.wireSizeBytes], ['pending', 1, 100]);
  assert.equal(breaker.openForMs(), 0);
  assert.equal(selector.nextDueMs(), 0, 'the first retry is immediate');
  assert.deepEqual(kinds(), ['destination_changed', 'attempt_spent']);
});

test('if the health probe also fails, one attempt is spent, and every export waits equally long', async () => {
  const { breaker, settleVerdict } = startDelivery({ kind: 'unavailable', status: 503 });
  const after = await settleVerdict({ ...UNAVAILABLE, retryAfterMs: 60_000 });
  assert.equal(after?.retryCount, 1);
  assert.ok(breaker.openForMs() > 50_000, `${breaker.openForMs()} ms`);
});

test('a failure after which no probe reaches central spends no attempt, and the breaker stays open until a probe does', async () => {
  const { breaker, kinds, settleVerdict } = startDelivery({ kind: 'nothing', code: 'ENETUNREACH' });
  const after = await settleVerdict(UNAVAILABLE);
  assert.deepEqual([after?.status, after?.retryCount], ['pending', 0]);
  assert.equal(breaker.destination().state, 'offline');
  assert.ok(breaker.openForMs() > 0 && breaker.isWaitingForLink());
  assert.deepEqual(kinds(), ['destination_changed', 'waits_unspent']);
});

test('after a downgrade to tier 0 during a send, central is not probed and nothing is spent', async () => {
  const { probes, kinds, settleVerdict } = startDelivery(CENTRAL_ANSWERS, { ...KNOWN, tier: 0 });
  const after = await settleVerdict(UNAVAILABLE);
  assert.equal(probes(), 0);
  assert.deepEqual([after?.status, after?.retryCount], ['pending', 0]);
  assert.deepEqual(kinds(), ['waits_unspent', 'not_permitted']);
});

test('a refusal by central spends nothing and opens the breaker until the token changes', async () => {
  const { breaker, probes, settleVerdict } = startDelivery();
  const detail = 'HTTP 401 INVALID_TOKEN: unknown token';
  const after = await settleVerdict({ kind: 'blocked', status: 401, errorCode: 'INVALID_TOKEN', detail });
  assert.deepEqual([after?.status, after?.retryCount, after?.lastError], ['pending', 0, detail]);
  assert.equal(probes(), 0);
  assert.ok(breaker.openForMs() > 59 * 60_000);
  breaker.recordConfiguration('token 1');
  assert.ok(breaker.openForMs() > 59 * 60_000);
  breaker.recordConfiguration('token 2');
  assert.equal(breaker.openForMs(), 0);
  assert.equal(breaker.destination().state, 'unknown');
});

test('a rejected export is dead-lettered at once, with the reason that central gave', async () => {
  const { events, kinds, settleVerdict } = startDelivery();
  const detail = 'HTTP 422 INVALID_FORMAT: no data';
  const after = await settleVerdict({ kind: 'rejected', errorCode: 'INVALID_FORMAT', detail });
  assert.deepEqual([after?.status, after?.lastError], ['failed', detail]);
  assert.deepEqual(kinds(), ['destination_changed', 'rejected', 'dead_lettered']);
  assert.deepEqual(events.at(-1), { kind: 'dead_lettered', queueId: newEntry(1).queueId, reason: detail });
});

test('the fourth spent attempt dead-letters the export', async () => {
  const { ledger, entry, kinds, settleVerdict } = startDelivery();
  for (const spent of [1, 2, 3]) {
    const after = await settleVerdict(UNAVAILABLE);
    assert.deepEqual([after?.status, after?.retryCount], ['pending', spent]);
    ledger.queue.claim(({ entryNo }) => entryNo === entry.entryNo);
  }
  assert.equal((await settleVerdict(UNAVAILABLE))?.status, 'failed');
  assert.deepEqual(kinds().slice(-2), ['attempt_spent', 'dead_lettered']);
});

test('an unreadable file spends an attempt without a probe, so that the exports behind it are sent', async () => {
  const { probes, settle } = startDelivery();
  const after = await settle({ kind: 'unreadable', detail: 'I/O error' });
  assert.deepEqual([after?.status, after?.retryCount, probes()], ['pending', 1, 0]);
});

test('a paused export waits again unchanged', async () => {
  const { entry, kinds, settle } = startDelivery();
  const after = await settle({ kind: 'paused' });
  assert.deepEqual({ ...after, status: 'uploading' }, entry);
  assert.equal(after?.status, 'pending');
  assert.deepEqual(kinds(), ['paused']);
});
