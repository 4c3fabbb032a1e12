import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { findSequenceGaps, GAPS_LISTED_MAX } from '../store/ledger-gaps.ts';
import { migrate } from '../store/migrate.ts';
import {
  createNode,
  type EnrolledBoat,
  enrollBoat,
  importDocument,
  NOON_MS,
  toDocument,
} from '../testing/central-under-test.ts';
import { recomputeGaps } from '../testing/recompute-gaps.ts';

const LEDGERS = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];

/** An import: a part of an export in one of two ledgers. The export has 1 to 3 parts. */
const step = fc.record({
  ledger: fc.nat({ max: 1 }),
  sequence: fc.integer({ min: 1, max: 9 }),
  index: fc.integer({ min: 1, max: 3 }),
  count: fc.integer({ min: 1, max: 3 }),
  withdrawn: fc.uniqueArray(fc.integer({ min: 1, max: 10 }), { maxLength: 3 }),
  reinstated: fc.uniqueArray(fc.integer({ min: 1, max: 10 }), { maxLength: 3 }),
});

/** Returns the gap columns by which SQL sorts and filters. */
async function loadCounts(store: Store, boat: EnrolledBoat) {
  const [row] = await store.query(
    `select i.missing_sequences::int as of_installation, l.missing_count::int as missing, l.withdrawn_count::int as withdrawn,
       l.held_through::int as held_through, l.highest_sequence::int as highest
     from installations i join ledgers l on l.installation_id = i.installation_id and l.ledger_id = i.last_ledger_id
     where i.installation_id = $1::text`,
    [boat.id],
  );
  return row;
}

describeOnPostgres('the gaps of a ledger', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('match the gaps computed from all imports, for any order, repetition, withdrawal, reinstatement and division into parts', async () => {
    const { store } = open();
    let wallMs = NOON_MS;
    // A later import must have a later time, because the latest part count is the correct one.
    const app = createNode(store, { wall: () => (wallMs += 1_000) });
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const boat = await enrollBoat(store);
      const sent = new Set<string>();
      const withdrawnByLedger = new Map<string, Set<number>>();
      for (const { ledger, sequence, index, count, withdrawn, reinstated } of steps) {
        const ledgerId = LEDGERS[ledger] ?? '';
        const facts = { ledgerId, sequence, exportId: `${ledgerId}_${sequence}` };
        const part = { index: Math.min(index, count), count };
        // Repeating a key with another body is refused, so only the first version of each part is sent.
        const key = `${facts.exportId}/${part.index}`;
        if (sent.has(key)) continue;
        sent.add(key);
        const document = {
          ...toDocument(boat, { ...facts, part }),
          withdrawn_sequences: withdrawn,
          reinstated_sequences: reinstated,
        };
        const before = [...(withdrawnByLedger.get(ledgerId) ?? [])];
        const still = before.filter((known) => !reinstated.includes(known));
        withdrawnByLedger.set(ledgerId, new Set([...still, ...withdrawn]));
        await importDocument(app, boat, document);
        assert.equal((await importDocument(app, boat, document)).duplicate, true);
        const expected = await recomputeGaps(store, boat.id, withdrawnByLedger);
        assert.deepEqual(await findGaps(store, boat.id), expected);
        const [missing, highest] = [expected.missing_sequences, (await loadCounts(store, boat))?.['highest']];
        assert.deepEqual(await loadCounts(store, boat), {
          of_installation: missing.length,
          missing: missing.length,
          withdrawn: expected.withdrawn_sequences.length,
          held_through: missing[0] === undefined ? highest : missing[0] - 1,
          highest,
        });
      }
    });
    await fc.assert(property, { numRuns: 25 });
  });

  test('are listed up to a limit and below a sequence, even for the widest possible gap', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = createNode(store);
    await importDocument(app, boat, toDocument(boat, { sequence: 1 }));
    await importDocument(app, boat, toDocument(boat, { sequence: Number.MAX_SAFE_INTEGER }));
    assert.equal((await findGaps(store, boat.id)).missing_sequences.length, GAPS_LISTED_MAX);
    const ledger = { installationId: boat.id, ledgerId: LEDGERS[0] ?? '', kind: 'missing' } as const;
    assert.deepEqual(await findSequenceGaps(store, { ...ledger, limit: 2 }), [2, 3]);
    assert.deepEqual(await findSequenceGaps(store, { ...ledger, below: 4 }), [2, 3]);
    assert.deepEqual(await findSequenceGaps(store, { ...ledger, below: 2 }), []);
  });
});
