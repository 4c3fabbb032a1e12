import assert from 'node:assert/strict';
import test from 'node:test';
import type { WallMs } from '../platform/ports.ts';
import { newEntry } from '../testing/new-entry.ts';
import {
  accept,
  digestOf,
  queueExport,
  receiptFor,
  RECORD_IDS,
  recordsIn,
  type Sent,
} from '../testing/queued-export.ts';
import type { Outcome } from './outcome.ts';

type Queued = Awaited<ReturnType<typeof queueExport>>;

/** Delivers another export. Its answer reports the first one as missing. */
function loseFirst({ ledger }: Queued): void {
  const { entryNo } = ledger.queue.enqueue(newEntry(2), []);
  const last = { ledgerId: '', exportId: 'exp_2', part: { index: 1, count: 1 }, body: new Uint8Array() };
  const acknowledged = { partIndex: 1, receipt: receiptFor(last), atMs: 0 as WallMs, wireSizeBytes: 0 };
  const { report } = ledger.queue.complete(entryNo, { ...acknowledged, missing: [1] });
  assert.deepEqual(report, { requeued: [1], rewound: [] });
}

const toKeys = (parts: readonly Sent[]) =>
  parts.map(({ exportId, part, body }) => [`${exportId}/${part.index}`, digestOf(body)]);

test('resends a lost export under the same keys with the same bytes', async () => {
  const queued = await queueExport();
  await queued.deliver(accept);
  const before = toKeys(queued.sent);
  loseFirst(queued);
  assert.equal((await queued.deliver(accept))?.kind, 'delivered');
  assert.deepEqual(toKeys(queued.sent).slice(before.length), before);
  assert.deepEqual(queued.queries, [1], 'central may still hold some of its parts');
});

test('does not resend a part that central still holds, even if it was sent before other parts were split further', async () => {
  const queued = await queueExport();
  const taken: Sent[] = [];
  const takeSmall = (part: Sent): Outcome => {
    if (taken.length > 0 && part.body.byteLength > 25_000)
      return { kind: 'refused', status: 413, errorCode: 'BODY_TOO_LARGE', message: 'smaller' };
    taken.push(part);
    return accept(part);
  };
  await queued.deliver(takeSmall);
  const [first, ...others] = taken;
  assert.ok(first !== undefined && others.every(({ part }) => part.count > first.part.count));
  loseFirst(queued);
  const sentBefore = queued.sent.length;
  const held = { receipts: [receiptFor(first)], offers: [], isWhole: true };
  assert.equal((await queued.deliver(accept, { held }))?.kind, 'delivered');
  const again = queued.sent.slice(sentBefore);
  assert.deepEqual(toKeys(again), toKeys(others));
  assert.deepEqual([first, ...again].flatMap(recordsIn), RECORD_IDS);
});

test('fails a lost export whose file has disappeared, and rewinds its ranges', async () => {
  const queued = await queueExport();
  await queued.deliver(accept);
  loseFirst(queued);
  const entry = queued.ledger.queue.get(1);
  queued.ledger.queue.setFile(1, `${entry?.exportFile}.gone`);
  const result = await queued.deliver(accept);
  assert.ok(result?.kind === 'stopped' && result.verdict.kind === 'rejected');
  assert.equal(result.verdict.errorCode, 'EXPORT_FILE_MISSING');
});
