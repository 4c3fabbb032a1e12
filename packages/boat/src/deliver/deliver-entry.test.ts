import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { SPOOLED_INSTALLATION, spoolExport } from '../testing/spooled-export.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createCutOffs } from './cut-offs.ts';
import { type DeliverEntryDeps, deliverEntry } from './deliver-entry.ts';
import type { Outcome } from './outcome.ts';

const root = temporaryRoot('deliver-entry');
const RECORD_IDS = Array.from({ length: 120 }, (_, index) => `record ${index}`);
/** Forty of the records, so that a whole export is three parts. */
const PART_SIZE_BYTES = 42_000;

type Sent = Parameters<DeliverEntryDeps['send']>[0];

const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

function receiptFor({ exportId, part, body }: Sent): Receipt {
  return {
    status: 'success',
    import_id: `import_${part.index}`,
    export_id: exportId,
    part,
    sha256: digestOf(body),
    records_imported: {},
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-01-01T00:00:00Z',
  };
}
const accept = (sent: Sent): Outcome => ({ kind: 'receipt', receipt: receiptFor(sent), offers: [] });
const WAITS = { nextRetryAtMs: 0 as WallMs, lastError: 'cut off', wireSizeBytes: 0, atMs: 0 as WallMs };
const recordsIn = ({ body }: Sent): readonly string[] =>
  // The document that the boat made.
  (JSON.parse(Buffer.from(body).toString('utf8')).data.boatlog.entries as { record_id: string }[]).map(
    ({ record_id }) => record_id,
  );

let made = 0;
async function queueExport(installationId = SPOOLED_INSTALLATION) {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  const disk = createDisk();
  // What delivering touches of the world; `send` stands for the network.
  const world = {
    clock: createClock(),
    disk,
    random: createRandom(),
    log: createKeptLog(),
  } as unknown as World;
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  const exportFile = join(paths.exports, 'export_1.json');
  ledger.queue.enqueue(
    {
      queueId: 'q_1',
      exportId: 'exp_1',
      exportFile,
      exportType: 'full',
      trigger: 'manual',
      tier: 2,
      sequence: 1,
      categoryCount: 9,
      recordCount: RECORD_IDS.length,
      categories: { boatlog: { state: 'ok', count: RECORD_IDS.length } },
      fileSizeBytes: await spoolExport(disk, exportFile, RECORD_IDS, { installation_id: installationId }),
      createdAtMs: 0 as WallMs,
    },
    [],
  );
  const sent: Sent[] = [];
  const cutOffs = createCutOffs();
  const deliver = (answer: (part: Sent) => Outcome, over: Partial<DeliverEntryDeps> = {}) => {
    const entry = ledger.queue.claim(() => true);
    assert.ok(entry !== undefined);
    return deliverEntry(
      {
        world,
        ledger,
        partSizeBytes: PART_SIZE_BYTES,
        installationId: () => SPOOLED_INSTALLATION,
        permit: async () => undefined,
        fetchHeldParts: async () => ({ receipts: [], offers: undefined, isWhole: false }),
        cutOffs,
        send: async (part) => {
          sent.push(part);
          return { outcome: answer(part), wireSizeBytes: part.body.byteLength };
        },
        clockSynchronized: async () => true,
        mayGoOn: () => true,
        onPart: () => undefined,
        onAccepted: () => undefined,
        ...over,
      },
      entry,
      new AbortController().signal,
    );
  };
  return { ledger, sent, deliver };
}

test('an export over several parts is delivered whole, each record once, in order', async () => {
  const { ledger, sent, deliver } = await queueExport();
  assert.equal((await deliver(accept)).kind, 'delivered');
  assert.deepEqual(
    sent.map(({ part }) => part),
    [1, 2, 3].map((index) => ({ index, count: 3 })),
  );
  assert.deepEqual(sent.flatMap(recordsIn), RECORD_IDS);
  assert.equal(ledger.queue.counts().completed, 1);
});

test('a receipt is written down without a word from the clock, which may take seconds', async () => {
  const { deliver } = await queueExport();
  const clockSynchronized = () => Promise.reject<boolean>(new Error('was asked'));
  assert.equal((await deliver(accept, { clockSynchronized })).kind, 'delivered');
});

test('what was acknowledged before a pause is not sent again', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (const kind of ['paused', 'paused', 'delivered']) {
    assert.equal((await deliver(accept, { mayGoOn: () => false })).kind, kind);
    ledger.queue.unclaim(1);
  }
  assert.deepEqual(sent.flatMap(recordsIn), RECORD_IDS);
});

test('the tier is asked before each part: after a downgrade nothing more leaves the boat', async () => {
  const { ledger, sent, deliver } = await queueExport();
  let asked = 0;
  const permit: DeliverEntryDeps['permit'] = async () => {
    asked += 1;
    if (asked === 1) return undefined;
    return { kind: 'refused', code: 'TIER_TOO_LOW', message: 'Tier 0', hint: 'Upgrade.', tier: 0 };
  };
  assert.equal((await deliver(accept, { permit })).kind, 'not_permitted');
  assert.equal(sent.length, 1);
  assert.deepEqual(
    ledger.queue.parts(1).map(({ acknowledged }) => acknowledged),
    [true, false, false],
  );
});

test('an entry that a lying card left open with all its parts acknowledged fails, and holds up nothing behind it', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let part = 1; part <= 2; part += 1) {
    await deliver(accept, { mayGoOn: () => false });
    ledger.queue.unclaim(1);
  }
  const last = { exportId: 'exp_1', part: { index: 3, count: 3 }, body: new Uint8Array() };
  ledger.queue.acknowledge(1, {
    partIndex: 3,
    receipt: receiptFor(last),
    atMs: 0 as WallMs,
    wireSizeBytes: 0,
  });
  const result = await deliver(accept);
  assert.ok(result.kind === 'stopped' && result.verdict.kind === 'rejected');
  assert.equal(result.verdict.errorCode, 'LEDGER_FAILED');
  assert.equal(sent.length, 2);
});

test("another boat's export is not sent under this boat's token", async () => {
  const { sent, deliver } = await queueExport('ffffffffffffffff');
  const result = await deliver(accept);
  assert.ok(result.kind === 'stopped' && result.verdict.kind === 'rejected');
  assert.equal(result.verdict.errorCode, 'EXPORT_FILE_DAMAGED');
  assert.deepEqual(sent, []);
});

test('a central that takes the first part and then wants smaller ones gets every record once, under keys without a gap', async () => {
  const { sent, deliver } = await queueExport();
  const taken: Sent[] = [];
  const result = await deliver((part) => {
    if (taken.length > 0 && part.body.byteLength > 25_000)
      return { kind: 'refused', status: 413, errorCode: 'BODY_TOO_LARGE', message: 'smaller' };
    taken.push(part);
    return accept(part);
  });
  assert.equal(result.kind, 'delivered');
  assert.deepEqual(taken.flatMap(recordsIn), RECORD_IDS);
  assert.ok(sent.length > taken.length && taken.length > 3);
  assert.deepEqual(
    taken.map(({ part }) => part.index),
    taken.map((_, at) => at + 1),
  );
  assert.equal(taken.at(-1)?.part.count, taken.length);
});

test('what central says it holds is believed only with the digest of what would be sent', async () => {
  const { sent, deliver } = await queueExport();
  const twin = await queueExport();
  await twin.deliver(accept);
  const receipts = twin.sent.map(receiptFor);
  const lied = receipts.map((receipt, at) => (at === 1 ? { ...receipt, sha256: 'f'.repeat(64) } : receipt));
  const result = await deliver(accept, {
    fetchHeldParts: async () => ({ receipts: lied, offers: [], isWhole: true }),
  });
  assert.equal(result.kind, 'delivered');
  assert.deepEqual(
    sent.map(({ part }) => part.index),
    [2],
  );
});

const LOST: Outcome = { kind: 'answer_lost', code: 'ECONNRESET' };
/** A link that drops amid every part above this, and a central at its end that is asked what it holds. */
const CARRIED_BYTES = 25_000;
const dropOver =
  (taken: Sent[]) =>
  (part: Sent): Outcome => {
    if (part.body.byteLength > CARRIED_BYTES) return LOST;
    taken.push(part);
    return accept(part);
  };
const HELD_NOTHING = { receipts: [], offers: [], isWhole: true };

test('a part that the link cuts off twice is cut smaller, and central gets every record once, under keys without a gap', async () => {
  const { ledger, deliver } = await queueExport();
  const taken: Sent[] = [];
  const asked: boolean[] = [];
  const fetchHeldParts: DeliverEntryDeps['fetchHeldParts'] = async ({ mayBeHeld }) => {
    asked.push(mayBeHeld);
    return HELD_NOTHING;
  };
  await deliver(accept, { fetchHeldParts, mayGoOn: () => false });
  ledger.queue.unclaim(1);
  for (const spent of [1, 2]) {
    assert.equal((await deliver(dropOver(taken), { fetchHeldParts })).kind, 'stopped');
    ledger.queue.putBack(1, { ...WAITS, spent });
  }
  assert.equal((await deliver(dropOver(taken), { fetchHeldParts })).kind, 'delivered');
  assert.deepEqual(asked, [false, false, false, true]);
  assert.deepEqual(taken.flatMap(recordsIn), RECORD_IDS.slice(40));
  assert.deepEqual(
    taken.map(({ part }) => part.index),
    taken.map((_, at) => at + 2),
  );
  assert.equal(taken.at(-1)?.part.count, taken.length + 1);
});

test('parts that are cut smaller have all their attempts', async () => {
  const { ledger, deliver } = await queueExport();
  const retries: (number | undefined)[] = [];
  const cutOffFrom = async (spent: number) => {
    await deliver(() => LOST, { fetchHeldParts: async () => HELD_NOTHING });
    retries.push(ledger.queue.get(1)?.retryCount);
    ledger.queue.putBack(1, { ...WAITS, spent });
  };
  for (const spent of [1, 2, 1]) await cutOffFrom(spent);
  assert.deepEqual(retries, [0, 1, 0]);
});

test('a part that central holds already is not cut: the answer was lost, not the part', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let times = 0; times < 2; times += 1) {
    await deliver(() => LOST);
    ledger.queue.putBack(1, WAITS);
  }
  const [first] = sent;
  assert.ok(first !== undefined);
  const fetchHeldParts = async () => ({ ...HELD_NOTHING, receipts: [receiptFor(first)] });
  assert.equal((await deliver(accept, { fetchHeldParts })).kind, 'delivered');
  assert.deepEqual(
    sent.slice(2).map(({ part }) => part),
    [2, 3].map((index) => ({ index, count: 3 })),
  );
});

test('a central that does not say what it holds gets the part as it was cut', async () => {
  const { ledger, sent, deliver } = await queueExport();
  for (let times = 0; times < 5; times += 1) {
    await deliver(() => LOST);
    ledger.queue.putBack(1, WAITS);
  }
  assert.equal((await deliver(accept)).kind, 'delivered');
  assert.equal(new Set(sent.slice(0, 6).map(({ body }) => digestOf(body))).size, 1);
});

test('what a stick brought out of order keeps its keys when the rest is cut smaller', async () => {
  const { ledger, deliver } = await queueExport();
  const twin = await queueExport();
  await twin.deliver(accept);
  const middle = twin.sent[1];
  assert.ok(middle !== undefined);
  const fetchHeldParts = async () => ({ ...HELD_NOTHING, receipts: [receiptFor(middle)] });
  const taken: Sent[] = [];
  for (let times = 0; times < 2; times += 1) {
    await deliver(dropOver(taken), { fetchHeldParts });
    ledger.queue.putBack(1, WAITS);
  }
  assert.equal((await deliver(dropOver(taken), { fetchHeldParts })).kind, 'delivered');
  assert.deepEqual(taken.flatMap(recordsIn), [...RECORD_IDS.slice(0, 40), ...RECORD_IDS.slice(80)]);
  const indexes = [2, ...taken.map(({ part }) => part.index)].sort((one, other) => one - other);
  assert.deepEqual(
    indexes,
    indexes.map((_, at) => at + 1),
  );
});
