import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { enrollBoat, importDocument, NOON_MS, startNode, toDocument } from '../testing/central-under-test.ts';
import type { Blocked } from './lock-wait.ts';
import { migrate, MIGRATION_LOCK } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';

/** Runs `use` while a transaction of `store` keeps the locks of `statement`. `use` may end the transaction earlier. */
async function whileLocked(
  store: Store,
  statement: string,
  use: (end: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const [held, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = store.transaction(async (tx) => {
    await tx.query(statement);
    held.resolve();
    await ended.promise;
  });
  const end = () => {
    ended.resolve();
    return holding;
  };
  await held.promise;
  await use(end).finally(end);
}

/** Resolves once a session waits for an advisory lock. */
async function untilWaiting(store: Store): Promise<void> {
  const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted";
  while ((await store.query(waiting)).length === 0);
}

describe('migrating while other sessions hold locks', () => {
  let opened: StoreUnderTest | undefined;
  const stores = (): StoreUnderTest => opened ?? assert.fail('the stores are not open yet');
  before(async () => {
    opened = await openEmbedded();
    await migrate(opened.store, NOON_MS);
  });
  after(() => opened?.close());

  test('lets running nodes import while a backup reads the table that a step alters, and finishes once the backup ends', async () => {
    const { store, secondStore } = stores();
    const boat = await enrollBoat(store);
    const node = startNode(secondStore);
    const steps = [
      ...MIGRATIONS,
      { name: '9001-other', sql: 'alter table records_boatlog add column later text' },
      { name: '9002-read', sql: 'alter table imports add column later text' },
    ];
    const blocked: Blocked[] = [];
    await whileLocked(secondStore, 'select count(*) from imports', async (endBackup) => {
      const { applied } = await migrate(store, NOON_MS, steps, undefined, async (by) => {
        blocked.push(by);
        // The import writes to both tables, and its transaction ends before the backup does.
        await importDocument(node, boat, toDocument(boat, { sequence: blocked.length }));
        if (blocked.length === 2) await endBackup();
      });
      assert.deepEqual(applied, ['9001-other', '9002-read']);
    });
    const expected = { kind: 'table', step: '9002-read' };
    assert.deepEqual(blocked, [expected, expected]);
    assert.deepEqual(await store.query('select later from imports where installation_id = $1', [boat.id]), [
      { later: null },
      { later: null },
    ]);
  });

  test("waits for another node's migration, even if the server limits waits for locks", async () => {
    const { store, secondStore } = stores();
    const setLimit = async (sql: string, limit: string) => {
      await store.query(sql);
      await store.query('select pg_reload_conf()');
      const toLimit = async () => (await store.query("select current_setting('lock_timeout') as value"))[0];
      while ((await toLimit())?.['value'] !== limit);
    };
    await setLimit("alter system set lock_timeout = '1ms'", '1ms');
    try {
      const otherNode = `select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      await whileLocked(secondStore, otherNode, async (endOther) => {
        const migrated = migrate(store, NOON_MS);
        await Promise.race([migrated, untilWaiting(secondStore)]);
        await endOther();
        assert.deepEqual((await migrated).applied, []);
      });
    } finally {
      await setLimit('alter system reset lock_timeout', '0');
    }
  });

  test('changes nothing if the wait is given up', async () => {
    const { store, secondStore } = stores();
    const steps = [
      ...MIGRATIONS,
      { name: '9003-created', sql: 'create table halfway (n int)' },
      { name: '9004-read', sql: 'alter table imports add column never text' },
    ];
    const stop = new Error('the node stops');
    await whileLocked(secondStore, 'select count(*) from imports', () =>
      assert.rejects(
        migrate(store, NOON_MS, steps, undefined, () => Promise.reject(stop)),
        stop,
      ),
    );
    await assert.rejects(store.query('select 1 from halfway'), /halfway/);
  });
});
