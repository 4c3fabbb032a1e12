import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { findInstallation } from '../fleet/installations.ts';
import { listLedgers } from '../fleet/ledgers.ts';
import { listBoats } from '../fleet/list-boats.ts';
import { loadOverview } from '../fleet/overview.ts';
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

const NOW = new Date(NOON_MS).toISOString();

/** Returns a `data` object with one record. The function below returns the text that central holds for this record. */
const toNote = (content: string) => toBoatlog([{ record_id: 'note', content }]);
async function heldNote(store: Store, boat: EnrolledBoat): Promise<unknown> {
  const [held] = await heldRecords(store, boat);
  return JSON.parse(String(held?.['json'])).content;
}

describeOnPostgres('ledgers of stored parts', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
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

  test('does not replace records of a newer ledger with a late export from a lost ledger', async () => {
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

  test('treats a ledger that a newer one listed as former as the older one, although its first export arrives later', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const send = (ledgerId: string, sequence: number, content: string, formerLedgerIds: readonly string[]) =>
      importDocument(
        app,
        boat,
        toDocument(boat, {
          ledgerId,
          sequence,
          exportId: `${ledgerId}_${sequence}`,
          data: toNote(content),
          formerLedgerIds,
        }),
        { headers: { 'Ledger-Id': 'cccccccccccccccc' } },
      );
    await send('cccccccccccccccc', 1, 'new', ['bbbbbbbbbbbbbbbb', 'aaaaaaaaaaaaaaaa']);
    // A renumbered export lists only one ledger as former: the one in which it was created.
    await send('cccccccccccccccc', 2, 'newer', ['bbbbbbbbbbbbbbbb']);
    for (const former of ['bbbbbbbbbbbbbbbb', 'aaaaaaaaaaaaaaaa'])
      for (const sequence of [7, 8]) await send(former, sequence, `old ${former}`, []);
    assert.equal(await heldNote(store, boat), 'newer');
    await send('cccccccccccccccc', 3, 'newest', ['bbbbbbbbbbbbbbbb']);
    assert.equal(await heldNote(store, boat), 'newest');
    assert.equal((await findInstallation(store, boat.id, NOW))?.concurrent_ledgers, 0);
    assert.equal((await listLedgers(store, boat.id))[0]?.ledger_id, 'cccccccccccccccc');
  });

  test('refuses every export of a ledger that returned to an older state, and stores nothing from it', async () => {
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

  test('refuses a sequence that central never received, if a later export lists another export under it', async () => {
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

  test('refuses an export that lists another export under a held sequence, and accepts one that lists the held export', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat, { sequence: 2, exportId: 'held_2' }));
    const naming = (exportId: string) =>
      toDocument(boat, { sequence: 3, openExports: [{ sequence: 2, export_id: exportId }] });
    await expectRefusal(app, toImportRequest(boat, naming('restored_2')), 409, 'LEDGER_DIVERGED');
    assert.equal((await importDocument(app, boat, naming('held_2'))).duplicate, false);
  });

  test('refuses the second of two exports with the same sequence that two nodes receive at the same time', async () => {
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

  test("keeps the records of a new ledger although its node's clock is slow", async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    await importDocument(startNode(store), boat, toDocument(boat, { sequence: 9, data: toNote('old') }));
    const behind = startNode(store, { wall: () => NOON_MS - 3_600_000 });
    const facts = { ledgerId: 'bbbbbbbbbbbbbbbb', exportId: 'new_1', data: toNote('new') };
    await importDocument(behind, boat, toDocument(boat, facts));
    assert.equal(await heldNote(store, boat), 'new');
  });

  test('reports two machines with one identity, and keeps the record that arrived last', async () => {
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
    assert.equal((await findInstallation(store, boat.id, NOW))?.concurrent_ledgers, 0);
    for (const sequence of [2, 3])
      for (const ledgerId of ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb']) {
        await send(ledgerId, sequence);
        assert.equal(await heldNote(store, boat), ledgerId + sequence);
      }
    assert.equal((await findInstallation(store, boat.id, NOW))?.concurrent_ledgers, 2);
    const whole = { tier: undefined, version: undefined, after: undefined, limit: 100 } as const;
    const list = await listBoats(
      store,
      { ...whole, sort: 'attention', filter: 'shared_id', search: boat.id },
      '2026-06-02T12:00:00Z',
    );
    assert.deepEqual(
      list?.boats.map((one) => [one.state, one.concurrent_ledgers]),
      [['shared_id', 2]],
    );
    const { counts, totals } = await loadOverview(store, '2026-06-02T12:00:00Z');
    assert.ok(counts.shared_id >= 1 && counts.fine <= totals.boats - counts.shared_id);
    const before = await sumFleet(store);
    assert.ok(before.concurrent >= 1);
    const later = startNode(store, { wall: () => NOON_MS + 31 * 86_400_000 });
    const last = { ledgerId: 'bbbbbbbbbbbbbbbb', sequence: 4, exportId: 'last' };
    await importDocument(later, boat, toDocument(boat, last));
    assert.equal((await findInstallation(store, boat.id, NOW))?.concurrent_ledgers, 0);
    assert.equal((await sumFleet(store)).concurrent, before.concurrent - 1);
  });
});
