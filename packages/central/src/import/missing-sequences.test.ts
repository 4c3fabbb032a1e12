import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import {
  type HeldParts,
  IMPORT_PATH,
  ImportAnswerSchema,
  MISSING_SEQUENCES_MAX,
  ReceiptSchema,
} from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import { enrollBoat, importDocument, NOON_MS, startNode, toDocument } from '../testing/central-under-test.ts';

const answerShape = Compile(ImportAnswerSchema);
const receiptShape = Compile(ReceiptSchema);

describeOnPostgres('the missing sequences in the answer to an import', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  /**
   * Returns a boat, and a function that sends the export with a given sequence and returns the missing sequences in the answer.
   */
  async function startBoat() {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const send = async (facts: Parameters<typeof toDocument>[1], withdrawn?: readonly number[]) => {
      const withdrawal = withdrawn === undefined ? {} : { withdrawn_sequences: withdrawn };
      const document = { ...toDocument(boat, facts), ...withdrawal };
      const answer = await importDocument(app, boat, document);
      assert.ok(answerShape.Check(answer));
      return answer.missing_sequences;
    };
    return { store, boat, app, send };
  }

  test('are all lower sequences from 1 on that central does not hold completely and that were not withdrawn', async () => {
    const { send } = await startBoat();
    assert.deepEqual(await send({ sequence: 4 }), [1, 2, 3]);
    assert.deepEqual(await send({ sequence: 2 }), [1]);
    assert.deepEqual(await send({ sequence: 5, part: { index: 1, count: 2 } }), [1, 3]);
    assert.deepEqual(
      await send({ sequence: 6 }, [3]),
      [1, 5],
      'an export without its second part is missing',
    );
    assert.deepEqual(await send({ sequence: 1 }), []);
    assert.deepEqual(await send({ sequence: 5, part: { index: 2, count: 2 } }), []);
    assert.deepEqual(await send({ sequence: 7 }), []);
  });

  test('list a withdrawn sequence again once a later document reinstates it, even if an earlier document arrives again', async () => {
    const { store, boat, app, send } = await startBoat();
    const withdrawing = { ...toDocument(boat, { sequence: 2 }), withdrawn_sequences: [1] };
    assert.deepEqual((await importDocument(app, boat, withdrawing)).missing_sequences, []);
    const reinstating = { ...toDocument(boat, { sequence: 3 }), reinstated_sequences: [1] };
    assert.deepEqual((await importDocument(app, boat, reinstating)).missing_sequences, [1]);
    assert.deepEqual((await importDocument(app, boat, withdrawing)).missing_sequences, [1]);
    assert.deepEqual(await send({ sequence: 4 }), [1]);
    assert.deepEqual(await send({ sequence: 1 }), []);
    const status = await findGaps(store, boat.id);
    assert.deepEqual([status.missing_sequences, status.withdrawn_sequences], [[], []]);
  });

  test("belong to the document's ledger", async () => {
    const { send } = await startBoat();
    assert.deepEqual(await send({ sequence: 3 }), [1, 2]);
    const other = { ledgerId: 'bbbbbbbbbbbbbbbb', exportId: 'other' };
    assert.deepEqual(await send({ ...other, sequence: 1 }), []);
    assert.deepEqual(await send({ ...other, sequence: 3, exportId: 'third' }), [2]);
  });

  test('are computed for each answer, even for a repeated part, and are not stored', async () => {
    const { store, boat, app, send } = await startBoat();
    const third = { sequence: 3 };
    assert.deepEqual(await send(third), [1, 2]);
    assert.deepEqual(await send({ sequence: 1 }), []);
    assert.deepEqual(await send(third), [2]);
    // Without a key, the body is parsed before it is recognised as a repetition.
    const repeated = await importDocument(app, boat, toDocument(boat, third), {
      headers: { 'Idempotency-Key': undefined },
    });
    assert.deepEqual([repeated.duplicate, repeated.missing_sequences], [true, [2]]);
    const rows = await store.query(
      'select receipt::text as receipt from imports where installation_id = $1',
      [boat.id],
    );
    assert.ok(rows.every(({ receipt }) => !String(receipt).includes('missing')));
    const held = await app.fetch(
      new Request(`http://central.test${IMPORT_PATH}/export_3`, {
        headers: { authorization: `Bearer ${boat.token}` },
      }),
    );
    // A node that follows the contract has just produced this answer.
    const { parts } = (await held.json()) as HeldParts;
    assert.ok(
      parts.length === 1 && parts.every((part) => receiptShape.Check(part) && !('missing_sequences' in part)),
    );
  });

  test('are at most 1,000, lowest first', async () => {
    const { send } = await startBoat();
    const missing = (await send({ sequence: Number.MAX_SAFE_INTEGER })) ?? [];
    assert.equal(missing.length, MISSING_SEQUENCES_MAX);
    assert.deepEqual([missing[0], missing.at(-1)], [1, MISSING_SEQUENCES_MAX]);
  });

  test('are absent for a document without a sequence', async () => {
    const { boat, app, send } = await startBoat();
    await send({ sequence: 5 });
    const { sequence: _, ledger_id: _ledger, ...legacy } = toDocument(boat, { exportId: 'legacy' });
    const answer = await importDocument(app, boat, JSON.stringify(legacy));
    assert.ok(!('missing_sequences' in answer));
  });

  test('list the exports that arrived after the backup from which the database was restored', async () => {
    const { store, boat, send } = await startBoat();
    for (const sequence of [1, 2]) await send({ sequence });
    // The tables after a restore contain the rows from the time of the backup.
    const tables = [
      'ledgers',
      'ledger_exports',
      'ledger_gaps',
      'imports',
      'installations',
      'records_boatlog',
    ];
    const backup = await Promise.all(
      tables.map(async (table) => {
        const rows = await store.query(
          `select coalesce(json_agg(t)::text, '[]') as rows from ${table} t where installation_id = $1`,
          [boat.id],
        );
        return [table, String(rows[0]?.['rows'])] as const;
      }),
    );
    for (const sequence of [3, 4]) await send({ sequence });
    for (const [table, rows] of backup) {
      await store.query(`delete from ${table} where installation_id = $1`, [boat.id]);
      await store.query(
        `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)`,
        [rows],
      );
    }
    assert.deepEqual(await send({ sequence: 5 }), [3, 4]);
    assert.deepEqual(await send({ sequence: 3 }), []);
    assert.deepEqual(await send({ sequence: 4 }), []);
    assert.deepEqual(await send({ sequence: 6 }), []);
  });
});
