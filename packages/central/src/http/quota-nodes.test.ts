import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
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

const toPart = (sequence: number) => ({ sequence, data: toBoatlog([{ record_id: String(sequence) }]) });

describeOnPostgres('the daily quota', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('counts what a boat stores across all nodes', async () => {
    const { store, secondStore } = open();
    const boat = await enrollBoat(store);
    const nodes = [store, secondStore].map((one) => startNode(one, { quota: { records: 6 } }));
    for (let sequence = 1; sequence <= 6; sequence += 1)
      for (const app of nodes.slice(sequence % 2, (sequence % 2) + 1))
        await importDocument(app, boat, toDocument(boat, toPart(sequence)));
    for (const app of nodes) {
      const { body } = await expectRefusal(
        app,
        toImportRequest(boat, toDocument(boat, toPart(7))),
        429,
        'QUOTA_EXCEEDED',
      );
      assert.match(body.message, /daily quota of records/);
    }
  });

  test('applies even if a boat sends to two nodes at the same time', async () => {
    const { store, secondStore } = open();
    const boat = await enrollBoat(store);
    const limits = { installationImportsMax: 50 };
    const nodes = [store, secondStore].map((one) => startNode(one, { quota: { records: 10 }, limits }));
    const answers = await Promise.all(
      Array.from({ length: 24 }, async (_, at) => {
        const request = toImportRequest(boat, toDocument(boat, toPart(at + 1)));
        return (await nodes[at % 2]?.fetch(request))?.status;
      }),
    );
    assert.equal(answers.filter((status) => status === 200).length, 10);
    assert.equal(answers.filter((status) => status === 429 || status === 503).length, 14);
    assert.equal((await heldRecords(store, boat)).length, 10);
  });
});
