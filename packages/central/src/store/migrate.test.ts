import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import { isCentralFailure } from '../platform/errors.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from './migrate.ts';
import { MAP_POSITIONS_SQL } from './migrations/0003-map-positions.ts';
import { isContracting, MIGRATIONS } from './migrations/index.ts';
import { recordTable } from './record-tables.ts';

describeOnPostgres('migrate', (open) => {
  test('applies every step once, even when two nodes start together', async () => {
    const { store, secondStore } = open();
    const reports = await Promise.all([migrate(store, 0), migrate(secondStore, 0)]);
    const names = MIGRATIONS.map(({ name }) => name);
    assert.deepEqual(
      reports.map(({ applied }) => applied).sort((a, b) => a.length - b.length),
      [[], names],
    );
    for (const category of CATEGORIES)
      assert.deepEqual(await store.query(`select 1 from ${recordTable(category)}`), []);
  });

  test('refuses a step that changed after it was applied, and a database with a later contracting step', async () => {
    const { store } = open();
    await migrate(store, 0);
    const changed = MIGRATIONS.map((step) => ({ ...step, sql: `${step.sql} ` }));
    await assert.rejects(migrate(store, 0, changed), (error) => isCentralFailure(error, 'MIGRATION_CHANGED'));
    const contracting = MIGRATIONS.filter(({ name }) => isContracting(name));
    assert.deepEqual(
      (await migrate(store, 0, contracting)).applied,
      [],
      'accepts unknown steps that only expand the schema',
    );
    const beforeState = MIGRATIONS.slice(0, MIGRATIONS.indexOf(contracting[0] ?? assert.fail()));
    await assert.rejects(migrate(store, 0, beforeState), (error) =>
      isCentralFailure(error, 'SCHEMA_TOO_NEW'),
    );
    await store.transaction(async (tx) => {
      await tx.query("insert into schema_migrations values ('9999-contract', '', now())");
      await assert.rejects(
        migrate({ ...tx, transaction: (work) => work(tx), close: async () => undefined }, 0),
        (error) => isCentralFailure(error, 'SCHEMA_TOO_NEW'),
      );
      await tx.query("delete from schema_migrations where name = '9999-contract'");
    });
  });

  test('removes positions of receivers without a fix from the columns that the map reads', async () => {
    const { store } = open();
    await migrate(store, 0);
    const sent = [
      [44.2312, -76.486],
      [0, -28.5],
      [0, 0],
      [214.7483647, 214.7483647],
      [null, -145],
      ['NaN', 'NaN'],
    ];
    for (const [number, [latitude, longitude]] of sent.entries())
      await store.query(
        `insert into records_boatlog (installation_id, record_id, export_id, part_index, import_id, sha256, received_at, record, latitude, longitude)
         values ('0123456789abcdef', $1, 'e', 1, 'i', 'x', now(), '{}', $2::text::double precision, $3::text::double precision)`,
        [String(number), latitude === null ? null : String(latitude), String(longitude)],
      );
    // The stores of this suite are already migrated, so the step is run again.
    await store.transaction((tx) => tx.script(MAP_POSITIONS_SQL));
    const held = await store.query('select latitude, longitude from records_boatlog order by record_id');
    assert.deepEqual(
      held.map((row) => [row['latitude'], row['longitude']]),
      [[44.2312, -76.486], [0, -28.5], ...Array.from({ length: 4 }, () => [null, null])],
    );
  });

  test('rolls back all steps of a run if one of them fails', async () => {
    const { store } = open();
    const steps = [
      ...MIGRATIONS,
      { name: '9998-good', sql: 'create table halfway (n int)' },
      { name: '9999-bad', sql: 'create table nonsense (' },
    ];
    await assert.rejects(migrate(store, 0, steps), (error) => isCentralFailure(error, 'STORE_FAILED'));
    await assert.rejects(store.query('select 1 from halfway'), /halfway/);
    assert.deepEqual((await migrate(store, 0)).applied, []);
  });
});
