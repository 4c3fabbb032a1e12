import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { isCentralFailure } from './errors.ts';
import { describeOnEveryStore } from './testing/stores-under-test.ts';

describeOnEveryStore('the store', (open) => {
  before(async () => {
    await open().store.script('create table pairs (key text primary key, value int not null); select 1');
  });

  test('commits a transaction if its work resolves, and rolls it back if the work rejects', async () => {
    const { store, secondStore } = open();
    const given = await store.transaction(async (tx) => {
      await tx.query('insert into pairs values ($1, $2)', ['kept', 1]);
      return 'given back';
    });
    assert.equal(given, 'given back');
    const broken = store.transaction(async (tx) => {
      await tx.query('insert into pairs values ($1, $2)', ['gone', 2]);
      throw new Error('on purpose');
    });
    await assert.rejects(broken, /on purpose/);
    assert.deepEqual(
      [...(await secondStore.query('select key, value from pairs'))].map((row) => ({ ...row })),
      [{ key: 'kept', value: 1 }],
    );
  });

  test('reports a refused statement as STORE_FAILED and keeps working', async () => {
    const { store } = open();
    await assert.rejects(store.query('select * from nowhere'), (error) =>
      isCentralFailure(error, 'STORE_FAILED'),
    );
    const inTransaction = store.transaction((tx) => tx.query("insert into pairs values ('kept', 3)"));
    await assert.rejects(inTransaction, (error) => isCentralFailure(error, 'STORE_FAILED'));
    assert.equal((await store.query('select 1 as one'))[0]?.['one'], 1);
  });

  test('runs many concurrent transactions, each of them atomic', async () => {
    const { store, secondStore } = open();
    await store.query("insert into pairs values ('sum', 0)");
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        (index % 2 === 0 ? store : secondStore).transaction(async (tx) => {
          const [row] = await tx.query("select value from pairs where key = 'sum' for update");
          await tx.query("update pairs set value = $1 where key = 'sum'", [Number(row?.['value']) + 1]);
        }),
      ),
    );
    assert.equal((await store.query("select value from pairs where key = 'sum'"))[0]?.['value'], 30);
  });
});
