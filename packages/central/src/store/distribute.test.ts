import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { parseArguments } from '../cli/arguments.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import {
  enrollBoat,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
} from '../testing/central-under-test.ts';
import { distribute } from './distribute.ts';
import { migrate } from './migrate.ts';

/**
 * A stand-in for Citus: its catalog and its two functions, which record each call and refuse what Citus refuses
 * (https://docs.citusdata.com, "Unique constraints" and "Co-location").
 */
const STAND_IN = `
create schema citus_stand_in;
set local search_path = citus_stand_in, public;
create table pg_dist_partition (
  no int generated always as identity, logicalrelid regclass primary key, partmethod "char" not null, repmodel "char" not null,
  partkey text, colocated_with text
);
create function create_reference_table(table_name regclass) returns void language plpgsql as $$
begin
  if exists (select 1 from citus_stand_in.pg_dist_partition where logicalrelid = table_name) then
    raise exception 'table % is already distributed', table_name using errcode = '55000';
  end if;
  insert into citus_stand_in.pg_dist_partition (logicalrelid, partmethod, repmodel) values (table_name, 'n', 't');
end $$;
create function create_distributed_table(
  table_name regclass, distribution_column text, distribution_type text default 'hash', colocate_with text default 'default',
  shard_count int default null
) returns void language plpgsql as $$
declare
  key smallint;
begin
  if exists (select 1 from citus_stand_in.pg_dist_partition where logicalrelid = table_name) then
    raise exception 'table % is already distributed', table_name using errcode = '55000';
  end if;
  select attnum into strict key from pg_attribute where attrelid = table_name and attname = distribution_column and attnotnull;
  if exists (select 1 from pg_index where indrelid = table_name and indisunique and not key = any (indkey::int2[])) then
    raise exception 'cannot create constraint on %: it does not include the distribution column', table_name using errcode = '0A000';
  end if;
  if exists (select 1 from pg_constraint where contype = 'f' and conrelid = table_name) then
    raise exception 'cannot create foreign key constraint' using errcode = '0A000';
  end if;
  if colocate_with <> 'default' and not exists (
    select 1 from citus_stand_in.pg_dist_partition where logicalrelid = colocate_with::regclass and partmethod = 'h'
  ) then
    raise exception 'relation % is not distributed', colocate_with using errcode = '42809';
  end if;
  insert into citus_stand_in.pg_dist_partition (logicalrelid, partmethod, repmodel, partkey, colocated_with)
    values (table_name, 'h', 's', distribution_column, colocate_with);
end $$;
set local search_path = public;`;

const isRefused = (what: RegExp) => (error: unknown) => {
  assert.ok(isCentralFailure(error, 'DISTRIBUTION_REFUSED'), String(error));
  assert.match(error.message, what);
  assert.ok(error.hint.length > 0);
  return true;
};

describe('migrate --distribute', () => {
  let opened: StoreUnderTest | undefined;
  before(async () => {
    opened = await openEmbedded();
  });
  after(() => opened?.close());

  const storeOf = (): Store => {
    assert.ok(opened !== undefined);
    return opened.store;
  };
  /**
   * Returns a migrated database, with or without the stand-in. Citus puts its names into pg_catalog, which every search path
   * includes.
   */
  const empty = async (extension = ''): Promise<Store> => {
    await storeOf().script(
      'drop schema public cascade; create schema public; drop schema if exists citus_stand_in cascade',
    );
    await migrate(storeOf(), NOON_MS);
    await storeOf().script(extension);
    return toStoreWithPath(storeOf());
  };

  test('refuses a database without Citus, and reports what to install', async () => {
    const store = await empty();
    await assert.rejects(distribute(store), isRefused(/has no Citus/));
  });

  test('distributes and co-locates tables that belong to installations, and copies the rest to every node', async () => {
    const store = await empty(STAND_IN);
    const boat = await enrollBoat(store);
    const { distributed, reference, present } = await distribute(store);
    assert.equal(distributed[0], 'installations');
    for (const table of ['imports', 'records_boatlog', 'records_telemetry', 'ledgers', 'device_tokens'])
      assert.ok(distributed.includes(table), table);
    assert.deepEqual(reference, [
      'fleet_cells',
      'fleet_hours',
      'fleet_snapshots',
      'fleet_totals',
      'login_failures',
      'operator_sessions',
      'operators',
      'schema_migrations',
    ]);
    assert.deepEqual(present, []);
    const placed = await store.query(
      `select logicalrelid::text as name, partmethod::text as kind, partkey, colocated_with from pg_dist_partition order by no`,
    );
    assert.deepEqual(
      placed.map(({ name }) => name),
      [...reference, ...distributed],
    );
    for (const row of placed.filter(({ kind }) => kind === 'h'))
      assert.deepEqual(
        [row['partkey'], row['colocated_with']],
        ['installation_id', row['name'] === 'installations' ? 'default' : 'installations'],
      );
    const [all] = await store.query(
      "select count(*)::int as tables from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    );
    assert.equal(placed.length, all?.['tables']);
    await importDocument(startNode(store), boat, toDocument(boat));
    assert.equal((await heldRecords(store, boat)).length, 1);
  });

  test('changes nothing when it is repeated, and places a table that an upgrade has added', async () => {
    const store = await empty(STAND_IN);
    const first = await distribute(store);
    const again = await distribute(store);
    assert.deepEqual([again.distributed, again.reference], [[], []]);
    assert.equal(again.present.length, first.distributed.length + first.reference.length);
    await store.script(
      'create table added (installation_id text, no int, primary key (installation_id, no))',
    );
    assert.deepEqual((await distribute(store)).distributed, ['added']);
  });

  test('resumes after an interrupted run', async () => {
    const store = await empty(STAND_IN);
    await store.script(
      "select create_reference_table('operators'); select create_distributed_table('installations', 'installation_id')",
    );
    const { distributed, present } = await distribute(store);
    assert.deepEqual(present, ['operators', 'installations']);
    assert.ok(!distributed.includes('installations'));
  });

  test('refuses a table that is already distributed differently, before it changes anything', async () => {
    const store = await empty(STAND_IN);
    await store.script("select create_reference_table('imports')");
    await assert.rejects(
      distribute(store),
      isRefused(/imports is a reference table and must be a distributed/),
    );
    const [row] = await store.query('select count(*)::int as tables from pg_dist_partition');
    assert.equal(row?.['tables'], 1);
  });

  test('would be refused by Citus for a table with a unique constraint without the installation', async () => {
    const store = await empty(STAND_IN);
    await store.script('alter table imports add constraint one_id unique (import_id)');
    await assert.rejects(distribute(store), /does not include the distribution column/);
  });
});

test('only migrate has the option', () => {
  assert.throws(() => parseArguments(['list', '--distribute']), /--distribute is an option of migrate/);
});

/** Returns a store whose transactions see the stand-in, just as every connection sees Citus's catalog. */
function toStoreWithPath(store: Store): Store {
  const path = 'set local search_path = public, citus_stand_in';
  return {
    ...store,
    query: (text, params) =>
      store.transaction(async (tx) => {
        await tx.script(path);
        return tx.query(text, params);
      }),
    script: (text) => store.script(`${path}; ${text}`),
    transaction: (work) =>
      store.transaction(async (tx) => {
        await tx.script(path);
        return work(tx);
      }),
  };
}
