import assert from 'node:assert/strict';
import test from 'node:test';
import type { LicenseResult } from '../license/policy.ts';
import type { WallMs } from '../platform/ports.ts';
import {
  accept,
  digestOf,
  HELD_NOTHING,
  LICENSE,
  queueExport,
  receiptFor,
  RECORD_IDS,
  recordsIn,
  type Sent,
  WAITS,
} from '../testing/queued-export.ts';
import type { Outcome } from './outcome.ts';

test('delivers an export with several parts completely, with each record once and in order', async () => {
  const { ledger, sent, deliver } = await queueExport();
  assert.equal((await deliver(accept))?.kind, 'delivered');
  assert.deepEqual(
    sent.map(({ part }) => part),
    [1, 2, 3].map((index) => ({ index, count: 3 })),
  );
  assert.deepEqual(sent.flatMap(recordsIn), RECORD_IDS);
  assert.equal(ledger.queue.counts().completed, 1);
});

test('does not resend a part that was acknowledged before a pause', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let pause = 0; pause < 2; pause += 1) {
    assert.equal(await deliver(accept, { stopAfter: 'part_acknowledged' }), undefined);
    ledger.queue.unclaim(1);
  }
  assert.equal((await deliver(accept))?.kind, 'delivered');
  assert.deepEqual(sent.flatMap(recordsIn), RECORD_IDS);
});

test('reports the steps of a delivery in order', async () => {
  const { steps, deliver } = await queueExport();
  await deliver(accept);
  const part = ['part_started', 'central_answered'];
  assert.deepEqual(steps, [...part, 'part_acknowledged', ...part, 'part_acknowledged', ...part]);
});

test('checks the tier before each part, so that nothing more is sent after a downgrade', async () => {
  const { ledger, sent, deliver } = await queueExport();
  let checks = 0;
  const license = async (): Promise<LicenseResult> => {
    checks += 1;
    return checks === 1 ? LICENSE : { ...LICENSE, tier: 0 };
  };
  assert.equal((await deliver(accept, { license }))?.kind, 'not_permitted');
  assert.equal(sent.length, 1);
  assert.deepEqual(
    ledger.queue.parts(1).map(({ acknowledged }) => acknowledged),
    [true, false, false],
  );
});

test('fails an entry that is pending even though all of its parts are acknowledged, so that it does not block others', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let part = 1; part <= 2; part += 1) {
    await deliver(accept, { stopAfter: 'part_acknowledged' });
    ledger.queue.unclaim(1);
  }
  const last = { ledgerId: '', exportId: 'exp_1', part: { index: 3, count: 3 }, body: new Uint8Array() };
  ledger.queue.acknowledge(1, {
    partIndex: 3,
    receipt: receiptFor(last),
    atMs: 0 as WallMs,
    wireSizeBytes: 0,
  });
  const result = await deliver(accept);
  assert.ok(result?.kind === 'stopped' && result.verdict.kind === 'rejected');
  assert.equal(result.verdict.errorCode, 'LEDGER_FAILED');
  assert.equal(sent.length, 2);
});

test("does not send another boat's export under this boat's token", async () => {
  const { sent, deliver } = await queueExport('ffffffffffffffff');
  const result = await deliver(accept);
  assert.ok(result?.kind === 'stopped' && result.verdict.kind === 'rejected');
  assert.equal(result.verdict.errorCode, 'EXPORT_FILE_DAMAGED');
  assert.deepEqual(sent, []);
});

test('if central accepts the first part and then requires smaller ones, it gets every record once, under consecutive keys', async () => {
  const { ledger, sent, deliver } = await queueExport();
  const taken: Sent[] = [];
  const result = await deliver((part) => {
    if (taken.length > 0 && part.body.byteLength > 25_000) return TOO_LARGE;
    taken.push(part);
    return accept(part);
  });
  assert.equal(result?.kind, 'delivered');
  assert.deepEqual(taken.flatMap(recordsIn), RECORD_IDS);
  assert.ok(sent.length > taken.length && taken.length > 3);
  assert.deepEqual(
    taken.map(({ part }) => part.index),
    taken.map((_, at) => at + 1),
  );
  assert.equal(taken.at(-1)?.part.count, taken.length);
  assert.equal(
    ledger.queue.get(1)?.wireSizeBytes,
    sent.reduce((sum, { body }) => sum + body.byteLength, 0),
    'the refused parts count too',
  );
});

test('a held part counts only with the digest of the body that would be sent', async () => {
  const { ledger, sent, deliver } = await queueExport();
  const twin = await queueExport();
  await twin.deliver(accept);
  ledger.bundled.mark(ledger.queue.list('pending').map(({ exportId }) => exportId));
  const receipts = twin.sent
    .map(receiptFor)
    .map((receipt, at) => (at === 1 ? { ...receipt, sha256: 'f'.repeat(64) } : receipt));
  const result = await deliver(accept, { held: { receipts, offers: [], isWhole: true } });
  assert.equal(result?.kind, 'delivered');
  assert.deepEqual(
    sent.map(({ part }) => part.index),
    [2],
  );
});

test('queries central only if an export is resumed, is in a bundle, or has a part whose transfer was cut off', async () => {
  const bundled = await queueExport();
  bundled.ledger.bundled.mark(bundled.ledger.queue.list('pending').map(({ exportId }) => exportId));
  await bundled.deliver(accept);
  assert.deepEqual(bundled.queries, [1]);
  const { ledger, queries, deliver } = await queueExport();
  await deliver(accept, { stopAfter: 'part_acknowledged' });
  ledger.queue.unclaim(1);
  assert.deepEqual(queries, []);
  await deliver(accept);
  assert.deepEqual(queries, [1], 'from the last acknowledged part, which central must still hold');
});

const TOO_LARGE: Outcome = {
  kind: 'refused',
  status: 413,
  errorCode: 'BODY_TOO_LARGE',
  message: 'smaller',
};
const LOST: Outcome = { kind: 'answer_lost', code: 'ECONNRESET' };
/** Maximum part size that this link transfers. */
const CARRIED_BYTES = 25_000;
const isCarried = ({ body }: Sent): boolean => body.byteLength <= CARRIED_BYTES;
const dropOver =
  (taken: Sent[]) =>
  (part: Sent): Outcome => {
    if (!isCarried(part)) return LOST;
    taken.push(part);
    return accept(part);
  };

test('splits a part that the link cuts off twice, and central gets every record once, under consecutive keys', async () => {
  const { ledger, queries, sent, deliver } = await queueExport();
  const taken: Sent[] = [];
  await deliver(accept, { stopAfter: 'part_acknowledged' });
  const [first] = sent;
  assert.ok(first !== undefined);
  const held = { ...HELD_NOTHING, receipts: [receiptFor(first)] };
  ledger.queue.unclaim(1);
  for (const spent of [1, 2]) {
    assert.equal((await deliver(dropOver(taken), { held }))?.kind, 'stopped');
    ledger.queue.putBack(1, { ...WAITS, spent });
  }
  assert.equal((await deliver(dropOver(taken), { held }))?.kind, 'delivered');
  assert.deepEqual(queries, [1, 1, 1], 'from the last acknowledged part');
  assert.deepEqual(taken.flatMap(recordsIn), RECORD_IDS.slice(40));
  assert.deepEqual(
    taken.map(({ part }) => part.index),
    taken.map((_, at) => at + 2),
  );
  assert.equal(taken.at(-1)?.part.count, taken.length + 1);
});

test('parts that are split again have all their attempts', async () => {
  const { ledger, deliver } = await queueExport();
  const retries: (number | undefined)[] = [];
  const cutOffFrom = async (spent: number) => {
    await deliver(() => LOST, { held: HELD_NOTHING });
    retries.push(ledger.queue.get(1)?.retryCount);
    ledger.queue.putBack(1, { ...WAITS, spent });
  };
  for (const spent of [1, 2, 1]) await cutOffFrom(spent);
  assert.deepEqual(retries, [0, 1, 0]);
});

test('does not split a part that central already holds, because only its answer was lost', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let times = 0; times < 2; times += 1) {
    await deliver(() => LOST);
    ledger.queue.putBack(1, WAITS);
  }
  const [first] = sent;
  assert.ok(first !== undefined);
  const held = { ...HELD_NOTHING, receipts: [receiptFor(first)] };
  assert.equal((await deliver(accept, { held }))?.kind, 'delivered');
  assert.deepEqual(
    sent.slice(2).map(({ part }) => part),
    [2, 3].map((index) => ({ index, count: 3 })),
  );
});

test('if the link cuts off a part and central holds different bytes under its key, the export fails', async () => {
  const { ledger, sent, deliver } = await queueExport();
  const twin = await queueExport();
  await twin.deliver((part) => (isCarried(part) ? accept(part) : TOO_LARGE));
  const held = { ...HELD_NOTHING, receipts: twin.sent.filter(isCarried).map(receiptFor) };
  assert.ok(held.receipts.every(({ part }) => part.count > 3));
  for (const spent of [1, 2]) {
    assert.equal((await deliver(() => LOST, { held }))?.kind, 'stopped');
    ledger.queue.putBack(1, { ...WAITS, spent });
  }
  const result = await deliver(() => LOST, { held });
  assert.ok(result?.kind === 'stopped' && result.verdict.kind === 'rejected');
  assert.equal(result.verdict.errorCode, 'IDEMPOTENCY_CONFLICT');
  assert.equal(sent.length, 2);
});

test('if central does not report which parts it holds, the part is sent again unchanged', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let times = 0; times < 5; times += 1) {
    await deliver(() => LOST);
    ledger.queue.putBack(1, WAITS);
  }
  assert.equal((await deliver(accept))?.kind, 'delivered');
  assert.equal(new Set(sent.slice(0, 6).map(({ body }) => digestOf(body))).size, 1);
});

test('parts that arrived out of order in an offline bundle keep their keys when the rest is split again', async () => {
  const { ledger, deliver } = await queueExport();
  const twin = await queueExport();
  await twin.deliver(accept);
  ledger.bundled.mark(ledger.queue.list('pending').map(({ exportId }) => exportId));
  const middle = twin.sent[1];
  assert.ok(middle !== undefined);
  const held = { ...HELD_NOTHING, receipts: [receiptFor(middle)] };
  const taken: Sent[] = [];
  for (let times = 0; times < 2; times += 1) {
    await deliver(dropOver(taken), { held });
    ledger.queue.putBack(1, WAITS);
  }
  assert.equal((await deliver(dropOver(taken), { held }))?.kind, 'delivered');
  assert.deepEqual(taken.flatMap(recordsIn), [...RECORD_IDS.slice(0, 40), ...RECORD_IDS.slice(80)]);
  const indexes = [2, ...taken.map(({ part }) => part.index)].sort((one, other) => one - other);
  assert.deepEqual(
    indexes,
    indexes.map((_, at) => at + 1),
  );
});
