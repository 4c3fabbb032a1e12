import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { toInstallationFraction, toQuotaReturnS } from '../admission/return-policy.ts';
import { createInlinePreparer, type Preparer } from '../import/preparer.ts';
import { loadUse } from '../import/usage.ts';
import { listEvents } from '../installations/audit.ts';
import { revoke } from '../installations/enroll.ts';
import { setQuota } from '../installations/quota.ts';
import { CentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  expectRefusal,
  heldRecords,
  importDocument,
  NOON_MS,
  type Sending,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

const records = (count: number) =>
  toBoatlog(Array.from({ length: count }, (_, index) => ({ record_id: `${index}` })));

/** A part that is too large for the main thread. */
const large = { data: toBoatlog([{ record_id: 'a', text: 'x'.repeat(100_000) }]) };

/** How an import ends, and what makes it end that way. */
interface Ending {
  readonly status: number;
  readonly first?: (boat: EnrolledBoat) => Promise<unknown>;
  readonly beforeStoring?: (boat: EnrolledBoat) => Promise<unknown>;
  readonly sending?: Sending;
}

describeOnPostgres('quotas', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('refuse a boat that exceeds one of its quotas on every node until the next day, but no other boat', async () => {
    const { store, secondStore } = open();
    const amounts = { storedBytes: 12_000, records: 15, requests: 1 };
    for (const [amount, limit] of Object.entries(amounts)) {
      const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
      const quota = { [amount]: limit };
      await importDocument(startNode(store, { quota }), boat, toDocument(boat, { data: records(10) }));
      const more = toDocument(boat, { sequence: 2, data: records(20) });
      const { body, headers } = await expectRefusal(
        startNode(secondStore, { quota }),
        toImportRequest(boat, more),
        429,
        'QUOTA_EXCEEDED',
      );
      assert.match(body.message, /daily quota/);
      // Boats that exceed their quota together return at different times over a period of 12 minutes.
      assert.equal(headers.get('Retry-After'), String(toQuotaReturnS(toInstallationFraction(boat.id))));
      assert.equal((await heldRecords(store, boat)).length, 10, amount);
      await importDocument(startNode(store, { quota }), other, toDocument(other, { data: records(10) }));
      const tomorrow = startNode(store, { quota, wall: () => NOON_MS + 12 * 3_600_000 });
      if (amount === 'requests') await importDocument(tomorrow, boat, more);
      else await importDocument(tomorrow, boat, toDocument(boat, { sequence: 3, data: records(5) }));
    }
  });

  test("allow a boat's individual limits to be above or below the default", async () => {
    const { store } = open();
    const [generous, small] = [await enrollBoat(store), await enrollBoat(store)];
    let nowMs = 0;
    const app = startNode(store, { quota: { records: 5 }, monotonic: () => nowMs });
    await setQuota({ store, wallMs: NOON_MS }, generous.id, { records: 50 });
    await setQuota({ store, wallMs: NOON_MS }, small.id, { records: 0, storedBytes: null });
    await importDocument(app, generous, toDocument(generous, { data: records(50) }));
    await expectRefusal(app, toImportRequest(small, toDocument(small)), 429, 'QUOTA_EXCEEDED');
    await setQuota({ store, wallMs: NOON_MS + 1 }, small.id, { records: null });
    nowMs = 5 * 60_000;
    await importDocument(app, small, toDocument(small));
    const events = (await listEvents(store, small.id)).filter(({ event }) => event === 'quota_changed');
    assert.deepEqual(events.map(({ detail }) => detail).sort(), [
      'quota_records default',
      'quota_stored_bytes default, quota_records 0',
    ]);
  });

  test("estimate the stored size of a boat's data close to what the database reports", async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const many = Array.from({ length: 4_000 }, (_, index) => ({
      record_id: `${index}`,
      text: `entry ${index}`,
    }));
    const sizeOf = async () => {
      const [row] = await store.query("select pg_total_relation_size('records_boatlog')::float8 as bytes");
      return Number(row?.['bytes']);
    };
    const before = await sizeOf();
    await importDocument(startNode(store), boat, toDocument(boat, { data: toBoatlog(many) }));
    const grownBytes = (await sizeOf()) - before;
    const { storedBytes, records: counted, requests } = await loadUse(store, boat.id, NOON_MS);
    assert.deepEqual([counted, requests], [4_000, 1]);
    assert.ok(
      storedBytes > 0.6 * grownBytes && storedBytes < 3 * grownBytes,
      `${storedBytes} of ${grownBytes}`,
    );
  });

  test('count requests that are refused or repeated, and then refuse the boat without a query', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store, { quota: { requests: 60 } });
    await importDocument(app, boat, toDocument(boat));
    const answers: number[] = [];
    for (let sent = 0; sent < 120; sent += 1) {
      const request = sent % 2 === 0 ? toImportRequest(boat, toDocument(boat)) : toImportRequest(boat, '{}');
      answers.push((await app.fetch(request)).status);
    }
    assert.deepEqual([answers[0], answers[1], answers.at(-1)], [200, 400, 429]);
    assert.ok((await loadUse(store, boat.id, NOON_MS)).requests > 60);
  });

  test('refuse a boat over its quota without checking its next part, for 5 minutes but not beyond midnight UTC', async () => {
    const { store } = open();
    let [nowMs, wallMs, prepared] = [0, NOON_MS, 0];
    const inline = createInlinePreparer(() => 0);
    const preparer: Preparer = {
      ...inline,
      prepare(part, rank) {
        prepared += 1;
        return inline.prepare(part, rank);
      },
    };
    const app = startNode(store, {
      quota: { records: 0 },
      preparer,
      monotonic: () => nowMs,
      wall: () => wallMs,
    });
    const boat = await enrollBoat(store);
    const send = (sequence: number) =>
      expectRefusal(
        app,
        toImportRequest(boat, toDocument(boat, { sequence, ...large })),
        429,
        'QUOTA_EXCEEDED',
      );
    for (const sequence of [1, 2, 3]) await send(sequence);
    assert.equal(prepared, 1);
    nowMs += 5 * 60_000;
    for (const sequence of [4, 5]) await send(sequence);
    assert.equal(prepared, 2);
    nowMs += 5 * 60_000;
    wallMs = NOON_MS + 12 * 3_600_000 - 1_000;
    await send(6);
    nowMs += 1_000;
    await send(7);
    assert.equal(prepared, 4);
  });

  test('show a boat over its quota as refused until its next import, and record this at most once a minute', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    let nowMs = 0;
    const app = startNode(store, { monotonic: () => nowMs });
    const refusal = async () => {
      const [row] = await store.query('select refusal from installations where installation_id = $1', [
        boat.id,
      ]);
      const events = (await listEvents(store, boat.id)).filter(({ event }) => event === 'refused');
      return [row?.['refusal'], ...events.map(({ subject, occurrences }) => [subject, occurrences])];
    };
    await setQuota({ store, wallMs: NOON_MS }, boat.id, { records: 0 });
    const send = () => expectRefusal(app, toImportRequest(boat, toDocument(boat)), 429, 'QUOTA_EXCEEDED');
    for (let sent = 0; sent < 3; sent += 1) await send();
    assert.deepEqual(await refusal(), ['QUOTA_EXCEEDED', ['QUOTA_EXCEEDED', 1]]);
    nowMs = 60_000;
    await send();
    assert.deepEqual(await refusal(), ['QUOTA_EXCEEDED', ['QUOTA_EXCEEDED', 4]]);
    await setQuota({ store, wallMs: NOON_MS }, boat.id, { records: null });
    nowMs = 10 * 60_000;
    await importDocument(app, boat, toDocument(boat));
    assert.deepEqual(await refusal(), [null, ['QUOTA_EXCEEDED', 4]]);
  });

  const ends: Readonly<Record<string, Ending>> = {
    stored: { status: 200 },
    'over a quota': {
      status: 429,
      first: (boat) => setQuota({ store: open().store, wallMs: NOON_MS }, boat.id, { records: 0 }),
    },
    'a conflict': {
      status: 409,
      first: (boat) => importDocument(startNode(open().store), boat, toDocument(boat)),
    },
    'a diverged ledger': {
      status: 409,
      first: (boat) =>
        importDocument(startNode(open().store), boat, toDocument(boat, { exportId: 'another_export' })),
    },
    'a repetition without a key': {
      status: 200,
      first: (boat) => importDocument(startNode(open().store), boat, toDocument(boat, large)),
      sending: { headers: { 'Idempotency-Key': undefined } },
    },
    'the installation disabled meanwhile': {
      status: 403,
      beforeStoring: (boat) => revoke({ store: open().store, wallMs: NOON_MS }, boat.id, 'installation'),
    },
    'the token revoked meanwhile': {
      status: 401,
      beforeStoring: (boat) => revoke({ store: open().store, wallMs: NOON_MS }, boat.id, 'tokens'),
    },
    'a failed transaction': {
      status: 503,
      beforeStoring: () =>
        Promise.reject(new CentralFailure('STORE_UNAVAILABLE', 'planned', { op: 'test', hint: 'none' })),
    },
  };
  for (const [name, { status, first, beforeStoring, sending }] of Object.entries(ends))
    test(`count a request and its CPU time once if it ends with: ${name}`, async () => {
      const { store } = open();
      const boat = await enrollBoat(store);
      await first?.(boat);
      const before = await loadUse(store, boat.id, NOON_MS);
      const inline = createInlinePreparer(() => 0);
      const preparer: Preparer = {
        ...inline,
        prepare: async (part, rank) => ({ ...(await inline.prepare(part, rank)), cpuMs: 2_000 }),
      };
      const changing: Store = {
        ...store,
        async transaction(work) {
          await beforeStoring?.(boat);
          return store.transaction(work);
        },
      };
      const app = startNode(changing, { preparer });
      const answer = await app.fetch(toImportRequest(boat, toDocument(boat, large), sending));
      assert.equal(answer.status, status, await answer.text());
      const { requests, cpuMs } = await loadUse(store, boat.id, NOON_MS);
      assert.equal(requests - before.requests, 1);
      // The CPU time includes 10 ms of database work for 100 kB of records.
      assert.equal(cpuMs - before.cpuMs, 2_010);
    });

  test("refuse imports with 503 while the database's disk has less free space than its reserve", async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    let [freeBytes, nowMs] = [999, 0];
    const storage = { reserveBytes: 1_000, freeBytes: async () => freeBytes };
    const app = startNode(store, { storage, monotonic: () => nowMs });
    const { headers } = await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    assert.match(headers.get('Retry-After') ?? '', /^[1-9]/);
    assert.deepEqual(await heldRecords(store, boat), []);
    freeBytes = 1_000;
    nowMs = 5_000;
    await importDocument(app, boat, toDocument(boat));
  });
});
