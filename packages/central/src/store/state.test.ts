import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import fc from 'fast-check';
import { loadHoldings } from '../fleet/export-status.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import {
  createNode,
  enrollBoat,
  importDocument,
  NOON_MS,
  toDocument,
} from '../testing/central-under-test.ts';
import { migrate } from './migrate.ts';
import { STATE_SQL } from './migrations/0007-state-contract.ts';
import { recordTable } from './record-tables.ts';

/** Reverts the schema to the previous step, so that the step under test can run again. */
const UNDO_SQL = `
drop table ledger_gaps, withdrawn_sequences, installation_holdings, fleet_totals;
drop index ledgers_order, ledgers_concurrent, ledgers_diverged;
alter table ledgers drop column held_through, drop column missing_count, drop column withdrawn_count;
alter table ledger_exports drop column part_count, drop column parts_held;
alter table installations drop column missing_sequences, drop column held_records, drop column held_bytes,
  drop column concurrent_ledgers;
`;

describeOnPostgres('the state that imports maintain', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('counts the records held and their bytes for any order, repetition and replacement', async () => {
    const { store } = open();
    const app = createNode(store);
    const record = fc.record({
      record_id: fc.constantFrom('a', 'b', 'c'),
      content: fc.string({ unit: 'grapheme', maxLength: 20 }),
    });
    const step = fc.record({
      category: fc.constantFrom('boatlog', 'onboarding', 'system_alerts'),
      sequence: fc.integer({ min: 1, max: 5 }),
      entries: fc.array(record, { maxLength: 4 }),
      unread: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const boat = await enrollBoat(store);
      for (const [index, { category, sequence, entries, unread }] of steps.entries()) {
        const sent = entries.map((entry) => (unread ? { ...entry, unread: ['content'] } : entry));
        const data = { [category]: { category, entry_count: sent.length, entries: sent } };
        const part = { index: index + 1, count: steps.length };
        await importDocument(app, boat, toDocument(boat, { sequence, part, data }));
      }
      const counted = await loadHoldings(store, boat.id);
      const counts = CATEGORIES.map(
        (category) =>
          `select '${category}' as category, count(*)::float8 as records, coalesce(sum(octet_length(record::text)), 0)::float8 as bytes
           from ${recordTable(category)} where installation_id = $1::text`,
      );
      const found = await store.query(counts.join(' union all '), [boat.id]);
      assert.deepEqual(
        counted.map(({ records, bytes, category }) => ({ category, records, bytes })),
        found.map((row) => ({ ...row })),
      );
      const [sums = {}] = await store.query(
        'select held_records::float8 as records, held_bytes::float8 as bytes from installations where installation_id = $1',
        [boat.id],
      );
      assert.deepEqual(
        [sums['records'], sums['bytes']],
        [
          counted.reduce((sum, { records }) => sum + records, 0),
          counted.reduce((sum, { bytes }) => sum + bytes, 0),
        ],
      );
    });
    await fc.assert(property, { numRuns: 25 });
  });

  test('is computed from the rows of a database that predates this state', async () => {
    const { store } = open();
    const app = createNode(store);
    const boat = await enrollBoat(store);
    const parts = [
      { sequence: 3, part: { index: 1, count: 1 }, withdrawn: [1] },
      { sequence: 5, part: { index: 1, count: 2 }, withdrawn: [] },
      { sequence: 9, part: { index: 2, count: 2 }, withdrawn: [2, 4, 7] },
      { sequence: 9, part: { index: 1, count: 2 }, withdrawn: [] },
      { sequence: 12, part: { index: 1, count: 3 }, withdrawn: [12] },
    ];
    for (const { withdrawn, ...facts } of parts) {
      const document = { ...toDocument(boat, facts), withdrawn_sequences: withdrawn };
      await importDocument(app, boat, document);
    }
    const sources = [
      'ledgers',
      'ledger_exports',
      'withdrawn_sequences',
      'installations',
      // An import also counts categories without records. It may leave adjacent ranges where the step creates a single one.
      '(select * from installation_holdings where records > 0)',
      `(select installation_id, ledger_id, is_withdrawn, range_agg(int8range(first_sequence, last_sequence, '[]')) as sequences
        from ledger_gaps group by installation_id, ledger_id, is_withdrawn)`,
    ];
    const load = () =>
      Promise.all(
        sources.map((source) => store.query(`select to_jsonb(t)::text as row from ${source} t order by 1`)),
      );
    const kept = await load();
    await store.transaction(async (tx) => {
      await tx.script(UNDO_SQL);
      await tx.script(STATE_SQL);
    });
    for (const [index, rows] of (await load()).entries()) assert.deepEqual(rows, kept[index]);
  });
});
