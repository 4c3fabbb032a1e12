import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { loadHoldings } from '../fleet/export-status.ts';
import { listLedgers } from '../fleet/ledgers.ts';
import { findGaps } from '../fleet/load-sequence-gaps.ts';
import { recordRefusals } from '../installations/audit.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  createNode,
  type EnrolledBoat,
  enrollBoat,
  expectRefusal,
  heldRecords,
  importDocument,
  NOON_MS,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { erase } from './erase.ts';
import { DEFAULT_RETENTION } from './policy.ts';
import { prune } from './prune.ts';

const DAY_MS = 86_400_000;
const YEARS_LATER_MS = NOON_MS + 1_000 * DAY_MS;

/** Returns export data with a boatlog entry, a telemetry sample and a record that central rejects. */
function toData(name: string) {
  const telemetry = { category: 'telemetry', entry_count: 1, entries: [{ record_id: name, n: 1 }] };
  return { ...toBoatlog([{ record_id: name, content: name }, 'no record']), telemetry };
}

async function countRows(store: Store, table: string, { id }: EnrolledBoat): Promise<number> {
  const rows = await store.query(`select 1 from ${table} where installation_id = $1::text`, [id]);
  return rows.length;
}

/** Returns the tables and columns whose text contains a boat's ID. */
async function findTraces(store: Store, { id }: EnrolledBoat): Promise<readonly string[]> {
  const columns = await store.query(
    `select table_name::text as t, column_name::text as c from information_schema.columns where table_schema = 'public'`,
  );
  assert.ok(columns.length > 100);
  const traces: string[] = [];
  for (const { t, c } of columns) {
    const found = await store.query(
      `select 1 from ${t} where position($1::text in "${c}"::text) > 0 limit 1`,
      [id],
    );
    if (found.length > 0) traces.push(`${t}.${c}`);
  }
  return traces;
}

describeOnPostgres('retention', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('removes old rows without changing the answers about the ledger', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const old = createNode(store);
    const recent = createNode(store, { wall: () => YEARS_LATER_MS - DAY_MS });
    const part = { index: 1, count: 2 };
    await importDocument(old, boat, toDocument(boat, { sequence: 1, data: toData('a') }));
    await importDocument(old, boat, toDocument(boat, { sequence: 3, data: toData('b'), part }));
    await importDocument(old, boat, toDocument(boat, { sequence: 4, data: toData('c') }));
    await importDocument(recent, boat, toDocument(boat, { sequence: 6, data: toData('d') }));
    const known = [await findGaps(store, boat.id), await listLedgers(store, boat.id)];
    const world = { store, wall: () => YEARS_LATER_MS };
    const removed = await prune(world, DEFAULT_RETENTION);
    assert.ok(removed.audit >= 1 && removed.usage >= 1 && removed.receipts >= 2 && removed.telemetry >= 3);
    assert.deepEqual([await findGaps(store, boat.id), await listLedgers(store, boat.id)], known);
    const keys = await store.query(
      'select idempotency_key as key from imports where installation_id = $1 order by 1',
      [boat.id],
    );
    // The boat still needs the information that the first part of export 3 is held.
    assert.deepEqual(
      keys.map(({ key }) => key),
      ['export_3/1', 'export_6/1'],
    );
    assert.equal(await countRows(store, 'rejected_records', boat), 2);
    assert.equal(await countRows(store, 'installation_usage', boat), 1);
    assert.equal((await heldRecords(store, boat)).length, 4);
    const held = await heldRecords(store, boat, 'telemetry');
    assert.deepEqual(
      held.map((row) => row['record_id']),
      ['d'],
    );
    const counted = (await loadHoldings(store, boat.id)).find(({ category }) => category === 'telemetry');
    assert.deepEqual([counted?.records, counted?.bytes], [1, '{"n": 1, "record_id": "d"}'.length]);
    assert.deepEqual(Object.values(await prune(world, DEFAULT_RETENTION)), [0, 0, 0, 0]);
  });

  test('stores no record twice when a part is sent again after its receipt was removed', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = createNode(store);
    const parts = [1, 2, 3].map((index) =>
      toDocument(boat, {
        sequence: 2,
        part: { index, count: 3 },
        data: toBoatlog([{ record_id: `r${index}`, content: 'x' }]),
      }),
    );
    for (const document of parts) await importDocument(app, boat, document);
    const changed = { sequence: 5, data: toBoatlog([{ record_id: 'r1', content: 'newer' }]) };
    await importDocument(app, boat, toDocument(boat, changed));
    const held = await heldRecords(store, boat);
    const known = await findGaps(store, boat.id);
    await prune({ store, wall: () => YEARS_LATER_MS }, DEFAULT_RETENTION);
    assert.equal(await countRows(store, 'imports', boat), 0);
    const [first = toDocument(boat)] = parts;
    const recut = { ...first, part: { index: 1, count: 7 } };
    assert.equal((await importDocument(app, boat, recut)).duplicate, false);
    for (const document of parts.slice(1)) await importDocument(app, boat, document);
    const again = await heldRecords(store, boat);
    const toFacts = (rows: typeof held) =>
      rows.map(({ record_id, json, sequence }) => [record_id, json, sequence]);
    assert.deepEqual(toFacts(again), toFacts(held));
    assert.deepEqual(await findGaps(store, boat.id), known);
    // The sequence must still be unavailable to another export.
    const other = toDocument(boat, { sequence: 2, exportId: 'other' });
    await expectRefusal(app, toImportRequest(boat, other), 409, 'LEDGER_DIVERGED');
  });

  test('erases every trace of one installation and nothing of any other', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = createNode(store);
    for (const one of [boat, other])
      for (const sequence of [1, 4]) {
        const document = { ...toDocument(one, { sequence, data: toData('a') }), withdrawn_sequences: [2] };
        await importDocument(app, one, document);
      }
    const refusal = { event: 'refused', subject: 'INVALID_TOKEN', actor: '192.0.2.1', detail: '' } as const;
    await recordRefusals(store, { installationId: boat.id, ...refusal }, 1, NOON_MS);
    const before = await findTraces(store, other);
    assert.deepEqual(
      await findTraces(store, boat),
      [...before, 'audit_events.installation_id'].filter((trace, index, all) => all.indexOf(trace) === index),
    );
    const report = await erase({ store, wallMs: NOON_MS, actor: 'skipper' }, boat.id);
    assert.equal(report.removed['records_boatlog'], 1);
    assert.deepEqual(await findTraces(store, boat), []);
    assert.deepEqual(await findTraces(store, other), before);
    const [event] = await store.query(
      "select actor, installation_id from audit_events where event = 'installation_erased'",
    );
    assert.deepEqual(event, { actor: 'skipper', installation_id: '' });
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 401, 'INVALID_TOKEN');
    await assert.rejects(erase({ store, wallMs: NOON_MS }, boat.id), (error) =>
      isCentralFailure(error, 'INSTALLATION_NOT_FOUND'),
    );
  });
});
