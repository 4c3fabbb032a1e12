import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { findInstallation } from '../fleet/installations.ts';
import { listLedgers } from '../fleet/ledgers.ts';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import { sumFleet } from '../fleet/totals.ts';
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
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

/** Returns a `data` with one record, and below the text that central holds of it. */
const toNote = (content: string) => toBoatlog([{ record_id: 'note', content }]);
async function heldNote(store: Store, boat: EnrolledBoat): Promise<unknown> {
  const [held] = await heldRecords(store, boat);
  return JSON.parse(String(held?.['json'])).content;
}

describeOnPostgres('storing a part', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('rejects single records and stores the other records of their document', async () => {
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

  test('keeps the keys that the boat could not read, and no other key of the replaced record', async () => {
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

  test('keeps integers beyond 2^53 as they were written', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const text = JSON.stringify(toDocument(boat)).replace('"calm"', '1795466843123456789');
    await importDocument(startNode(store), boat, text);
    const [held] = await heldRecords(store, boat);
    assert.match(String(held?.['json']), /1795466843123456789/);
  });

  test('uses the later of two records with the same id in one document', async () => {
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

  test('keeps the records of the highest sequence for any order and repetition of the documents', async () => {
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

  test('lets a new ledger of the same boat replace records, because its sequences restart at 1', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat, { sequence: 9 }));
    const reflashed = {
      sequence: 1,
      ledgerId: 'bbbbbbbbbbbbbbbb',
      exportId: 'new_1',
      data: toBoatlog([{ record_id: '1', content: 'new' }]),
    };
    await importDocument(app, boat, toDocument(boat, reflashed));
    assert.match(String((await heldRecords(store, boat))[0]?.['json']), /new/);
  });

  test('does not replace records of a newer ledger by a late export of a lost ledger', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const nodes = [0, 60_000, 120_000].map((afterMs) => startNode(store, { wall: () => NOON_MS + afterMs }));
    const toExport = (ledgerId: string, sequence: number, records: readonly unknown[]) =>
      toDocument(boat, { ledgerId, sequence, exportId: `${ledgerId}_${sequence}`, data: toBoatlog(records) });
    const [first, second, third] = nodes;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await importDocument(first, boat, toExport('aaaaaaaaaaaaaaaa', 7, [{ record_id: '0', content: 'x' }]));
    await importDocument(second, boat, toExport('bbbbbbbbbbbbbbbb', 1, [{ record_id: '1', content: 'new' }]));
    await importDocument(
      third,
      boat,
      toExport('aaaaaaaaaaaaaaaa', 8, [
        { record_id: '1', content: 'old' },
        { record_id: '2', content: 'only here' },
      ]),
    );
    const held = (await heldRecords(store, boat)).map(({ json }) => String(json)).join();
    assert.match(held, /new/);
    assert.match(held, /only here/);
    assert.doesNotMatch(held, /old/);
  });

  test('does not replace claims of a boat by those of an earlier export that arrives late', async () => {
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
    const summary = await findInstallation(store, boat.id);
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
    // Central holds one part of the export that has their records. That export is now the gap, and they are not.
    await send(7, [2, 3, 5], { index: 2, count: 2 });
    assert.deepEqual(await gaps(), [
      [4, 7],
      [2, 3, 5],
    ]);
    await send(7, [2, 3, 5], { index: 1, count: 2 });
    // The owner retried one of them. An earlier withdrawal stays valid if a later export does not repeat it.
    await send(5);
    await send(8);
    assert.deepEqual(await gaps(), [[4], [2, 3]]);
  });

  test('refuses every export of a ledger that went back, and stores nothing of it', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    for (const sequence of [1, 2, 3, 4, 5, 6])
      await importDocument(app, boat, toDocument(boat, { sequence, data: toNote(`week ${sequence}`) }));
    for (const sequence of [2, 4, 6]) {
      const restored = toDocument(boat, {
        sequence,
        exportId: `restored_${sequence}`,
        data: toNote('restored'),
      });
      const { body } = await expectRefusal(app, toImportRequest(boat, restored), 409, 'LEDGER_DIVERGED');
      assert.match(body.message, new RegExp(`export_${sequence} `));
    }
    assert.equal(await heldNote(store, boat), 'week 6');
    // The exports that the image and the ledger have in common keep their receipts.
    const again = await importDocument(app, boat, toDocument(boat, { sequence: 2, data: toNote('week 2') }));
    assert.equal(again.duplicate, true);
    const other = toDocument(boat, { sequence: 2, data: toNote('other bytes') });
    await expectRefusal(app, toImportRequest(boat, other), 409, 'IDEMPOTENCY_CONFLICT');
    const fresh = { ledgerId: 'bbbbbbbbbbbbbbbb', exportId: 'fresh', data: toNote('restored') };
    await importDocument(app, boat, toDocument(boat, fresh));
    assert.equal(await heldNote(store, boat), 'restored');
    assert.deepEqual(
      (await listLedgers(store, boat.id)).map(({ ledger_id, diverged_at }) => [
        ledger_id,
        diverged_at !== null,
      ]),
      [
        ['bbbbbbbbbbbbbbbb', false],
        ['aaaaaaaaaaaaaaaa', true],
      ],
    );
  });

  test('refuses a sequence that central never received, if a later export names another export for it', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const named = [
      { sequence: 2, export_id: 'cancelled_2' },
      { sequence: 3, export_id: 'waiting_3' },
    ];
    await importDocument(app, boat, toDocument(boat, { sequence: 4, openExports: named }));
    for (const sequence of [2, 3]) {
      const restored = toDocument(boat, { sequence, exportId: `restored_${sequence}` });
      await expectRefusal(app, toImportRequest(boat, restored), 409, 'LEDGER_DIVERGED');
    }
    const late = toDocument(boat, { sequence: 3, exportId: 'waiting_3' });
    assert.equal((await importDocument(app, boat, late)).duplicate, false);
  });

  test('refuses the second of two exports with one sequence that two nodes receive at the same time', async () => {
    const { store, secondStore } = open();
    const boat = await enrollBoat(store);
    const answers = await Promise.all(
      [store, secondStore].map(async (node, index) => {
        const document = toDocument(boat, { exportId: `machine_${index}`, data: toNote(`machine ${index}`) });
        return (await startNode(node).fetch(toImportRequest(boat, document))).status;
      }),
    );
    assert.deepEqual(answers.sort(), [200, 409]);
    assert.equal((await heldRecords(store, boat)).length, 1);
  });

  test('keeps the records of a new ledger although the clock of its node is behind', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    await importDocument(startNode(store), boat, toDocument(boat, { sequence: 9, data: toNote('old') }));
    const behind = startNode(store, { wall: () => NOON_MS - 3_600_000 });
    const facts = { ledgerId: 'bbbbbbbbbbbbbbbb', exportId: 'new_1', data: toNote('new') };
    await importDocument(behind, boat, toDocument(boat, facts));
    assert.equal(await heldNote(store, boat), 'new');
  });

  test('names two machines with one identity, and holds the record that arrived last', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const send = (ledgerId: string, sequence: number) =>
      importDocument(
        app,
        boat,
        toDocument(boat, {
          ledgerId,
          sequence,
          exportId: `${ledgerId}_${sequence}`,
          data: toNote(ledgerId + sequence),
        }),
        { headers: { 'Ledger-Id': ledgerId } },
      );
    await send('aaaaaaaaaaaaaaaa', 1);
    await send('bbbbbbbbbbbbbbbb', 1);
    assert.equal((await findInstallation(store, boat.id))?.concurrent_ledgers, 0);
    for (const sequence of [2, 3])
      for (const ledgerId of ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb']) {
        await send(ledgerId, sequence);
        assert.equal(await heldNote(store, boat), ledgerId + sequence);
      }
    assert.equal((await findInstallation(store, boat.id))?.concurrent_ledgers, 2);
    const before = await sumFleet(store);
    assert.ok(before.concurrent >= 1);
    const later = startNode(store, { wall: () => NOON_MS + 31 * 86_400_000 });
    const last = { ledgerId: 'bbbbbbbbbbbbbbbb', sequence: 4, exportId: 'last' };
    await importDocument(later, boat, toDocument(boat, last));
    assert.equal((await findInstallation(store, boat.id))?.concurrent_ledgers, 0);
    assert.equal((await sumFleet(store)).concurrent, before.concurrent - 1);
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

  test('stores a part of 5,000 records well within the time that a boat waits', async () => {
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
