import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import { isCentralFailure } from '../platform/errors.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { recordTable } from './record-tables.ts';

describeOnPostgres('migrate', (open) => {
  test('applies every step once, also when two nodes start together', async () => {
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

  test('refuses a step that changed after it was applied, and a database with unknown steps', async () => {
    const { store } = open();
    await migrate(store, 0);
    const changed = MIGRATIONS.map((step) => ({ ...step, sql: `${step.sql} ` }));
    await assert.rejects(migrate(store, 0, changed), (error) => isCentralFailure(error, 'MIGRATION_CHANGED'));
    await assert.rejects(migrate(store, 0, []), (error) => isCentralFailure(error, 'SCHEMA_TOO_NEW'));
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
