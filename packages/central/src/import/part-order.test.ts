import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
} from '../testing/central-under-test.ts';

describeOnPostgres('the parts of one export', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  for (const [title, order] of [
    ['in order', [1, 2]],
    ['in reverse order', [2, 1]],
    ['with the first part repeated', [1, 2, 1]],
  ] as const)
    test(`leave the later part's record in place if they arrive ${title}`, async () => {
      const { store } = open();
      const boat = await enrollBoat(store);
      const app = startNode(store);
      for (const index of order)
        await importDocument(
          app,
          boat,
          toDocument(boat, {
            part: { index, count: 2 },
            data: toBoatlog([{ record_id: 'same', content: `of part ${index}` }]),
          }),
        );
      const held = await heldRecords(store, boat);
      assert.equal(held.length, 1);
      assert.match(String(held[0]?.['json']), /of part 2/);
    });
});
