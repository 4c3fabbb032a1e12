import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { findInstallation } from '../fleet/installations.ts';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

describeOnPostgres('storing a part', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('rejects individual records and stores the other records of their document', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    let deep: unknown = 1;
    for (let level = 0; level < 100; level += 1) deep = { deep };
    const document = toDocument(boat, {
      data: {
        ...toBoatlog([
          { record_id: 'good', content: 'a\u0000b \ud800 c' },
          { record_id: '', content: 'empty' },
          { record_id: 7 },
          { record_id: 'x'.repeat(301) },
          { record_id: 'nul\u0000' },
          { record_id: 'deep', deep },
          'text',
          null,
          [1],
        ]),
        unheard_of: { category: 'unheard_of' },
      },
    });
    const receipt = await importDocument(startNode(store), boat, document);
    assert.deepEqual(receipt.records_imported, { boatlog: 1 });
    assert.equal(receipt.rejected_records.length, 9);
    assert.ok(receipt.rejected_records.every(({ reason }) => reason.length > 0));
    assert.deepEqual(
      receipt.rejected_records.find(({ record_id }) => record_id === 'deep')?.category,
      'boatlog',
    );
    const [held] = await heldRecords(store, boat);
    assert.deepEqual(JSON.parse(String(held?.['json'])), { record_id: 'good', content: 'a\ufffdb \ufffd c' });
    const rejected = await store.query(
      'select reason, record from rejected_records where installation_id = $1 order by ordinal',
      [boat.id],
    );
    assert.equal(rejected.length, 9);
  });

  test('keeps the keys that the boat could not read, but no other key of the replaced record', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    for (const [index, [sent, kept]] of [
      [{ vessel: { a: 1 }, configuration: { q1: 'x' }, gone: 2 }, {}],
      [{ configuration: 3, unread: ['vessel', 'never'] }, { vessel: { a: 1 } }],
      [{ unread: 'vessel' }, { vessel: { a: 1 } }],
      [{ unread: 7 }, {}],
    ].entries()) {
      const record = { record_id: 'onboarding', ...sent };
      const data = { onboarding: { category: 'onboarding', entry_count: 1, entries: [record] } };
      await importDocument(startNode(store), boat, toDocument(boat, { data, sequence: index + 1 }));
      const [held] = await heldRecords(store, boat, 'onboarding');
      assert.deepEqual(JSON.parse(String(held?.['json'])), { ...record, ...kept });
    }
  });

  test('keeps integers beyond 2^53 unchanged', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const text = JSON.stringify(toDocument(boat)).replace('"calm"', '1795466843123456789');
    await importDocument(startNode(store), boat, text);
    const [held] = await heldRecords(store, boat);
    assert.match(String(held?.['json']), /1795466843123456789/);
  });

  test('uses the later of two records with the same ID in one document', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const entries = [
      { record_id: 'a', n: 1 },
      { record_id: 'b', n: 1 },
      { record_id: 'a', n: 2 },
    ];
    const receipt = await importDocument(
      startNode(store),
      boat,
      toDocument(boat, { data: toBoatlog(entries) }),
    );
    assert.deepEqual(receipt.records_imported, { boatlog: 2 });
    assert.match(String((await heldRecords(store, boat))[0]?.['json']), /"n": 2/);
  });

  test('keeps the records of the highest sequence, for any order and repetition of the documents', async () => {
    const { store } = open();
    const app = startNode(store);
    const property = fc.asyncProperty(
      fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (touched, picks) => {
        const boat = await enrollBoat(store);
        const documents = touched.map((ids, index) =>
          toDocument(boat, {
            sequence: index + 1,
            data: toBoatlog(ids.map((id) => ({ record_id: id, n: index + 1 }))),
          }),
        );
        const order = [...picks.map((pick) => pick % documents.length), ...documents.keys()].reverse();
        for (const index of order) await importDocument(app, boat, documents[index] ?? toDocument(boat));
        const expected = ['a', 'b', 'c'].flatMap((id) => {
          const last = touched.findLastIndex((ids) => ids.some((one) => one === id));
          return last === -1 ? [] : [`${id}${last + 1}`];
        });
        const held = await heldRecords(store, boat);
        assert.deepEqual(
          held.map((row) => `${row['record_id']}${row['sequence']}`),
          expected,
        );
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  test("does not replace a boat's claims with those of an earlier export that arrives late", async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const send = (afterMs: number, ledgerId: string, sequence: number, tier: number, version: string) => {
      const facts = { ledgerId, sequence, exportId: `${ledgerId}_${sequence}` };
      const document = { ...toDocument(boat, facts), tier, software_version: version };
      return importDocument(startNode(store, { wall: () => NOON_MS + afterMs }), boat, document);
    };
    await send(0, 'aaaaaaaaaaaaaaaa', 1, 1, 'lost card');
    await send(1_000, 'bbbbbbbbbbbbbbbb', 1, 1, 'new card');
    await send(2_000, 'bbbbbbbbbbbbbbbb', 4, 3, 'newest');
    await send(3_000, 'bbbbbbbbbbbbbbbb', 2, 1, 'overtaken');
    await send(4_000, 'aaaaaaaaaaaaaaaa', 9, 1, 'from a bundle');
    const summary = await findInstallation(store, boat.id, new Date(NOON_MS).toISOString());
    assert.deepEqual([summary?.claimed_tier, summary?.software_version], [3, 'newest']);
    assert.equal(summary?.documents, 5);
    assert.equal(summary.last_heard_at, '2026-06-01T12:00:04.000Z');
    assert.deepEqual(await findGaps(store, boat.id), {
      ledger_id: 'bbbbbbbbbbbbbbbb',
      missing_sequences: [3],
      withdrawn_sequences: [],
    });
  });

  test('reports no gap for an export that a later export withdrew, and none for a boat without sequences', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const send = (sequence: number, withdrawn?: readonly number[], part?: { index: number; count: number }) =>
      importDocument(app, boat, {
        ...toDocument(boat, { sequence, ...(part === undefined ? {} : { part }) }),
        ...(withdrawn === undefined ? {} : { withdrawn_sequences: withdrawn }),
      });
    const gaps = async () => {
      const { missing_sequences, withdrawn_sequences } = await findGaps(store, boat.id);
      return [missing_sequences, withdrawn_sequences];
    };
    await send(1);
    await send(3, undefined, { index: 1, count: 2 });
    await send(6);
    assert.deepEqual(await gaps(), [[2, 3, 4, 5], []]);
    // Export 7 contains the records of 2, 3 and 5, and central now holds one of its two parts. Its gap replaces theirs.
    await send(7, [2, 3, 5], { index: 2, count: 2 });
    assert.deepEqual(await gaps(), [
      [4, 7],
      [2, 3, 5],
    ]);
    await send(7, [2, 3, 5], { index: 1, count: 2 });
    // The owner retried one of them. An earlier withdrawal stays valid even if a later export does not repeat it.
    await send(5);
    await send(8);
    assert.deepEqual(await gaps(), [[4], [2, 3]]);
  });

  test('refuses a document whose withdrawn sequences are not valid sequences', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    for (const odd of [
      '[0]',
      '[1.5]',
      '[1e300]',
      '["1"]',
      '7',
      `[${Array.from({ length: 201 }, () => 1).join()}]`,
    ]) {
      const text = JSON.stringify(toDocument(boat)).replace('"data"', `"withdrawn_sequences":${odd},"data"`);
      await expectRefusal(startNode(store), toImportRequest(boat, text), 400, 'INVALID_FORMAT');
    }
  });

  test('rejects a number that the database cannot store, and stores the other records', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const text = JSON.stringify(
      toDocument(boat, { data: toBoatlog([{ record_id: 'good' }, { record_id: 'huge', reading: 7 }]) }),
    ).replace('"reading":7', `"reading":${'9'.repeat(140_001)}`);
    const receipt = await importDocument(startNode(store), boat, text);
    assert.deepEqual(
      receipt.rejected_records.map(({ record_id }) => record_id),
      ['huge'],
    );
    assert.equal((await heldRecords(store, boat)).length, 1);
  });

  test('stores a part of 5,000 records in far less time than a boat waits', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const entries = Array.from({ length: 5_001 }, (_, index) => ({
      record_id: `${index}@2026-05-31T10:00:00Z`,
      timestamp: '2026-05-31T10:00:00Z',
      entry_type: 'auto',
      content: `entry ${index} ${'x'.repeat(100)}`,
    }));
    const app = startNode(store);
    const startedMs = performance.now();
    const receipt = await importDocument(app, boat, toDocument(boat, { data: toBoatlog(entries) }));
    assert.equal(receipt.records_imported['boatlog'], 5_001);
    // A boat waits 90 s without a byte. On a quiet machine this takes 1 s.
    assert.ok(performance.now() - startedMs < 60_000);
    assert.equal((await heldRecords(store, boat)).length, 5_001);
  });
});
