import { strict as assert } from 'node:assert';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import {
  expectRefusal,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { SAMPLE_BOAT, toSampleBody } from './testing/sample-rows.ts';
import { readSchemaSql } from './testing/schema-sql.ts';

const HERE = import.meta.dirname;
const DUMPS = globSync('dumps/*.sql', { cwd: HERE }).sort();
const read = (path: string): string => readFileSync(join(HERE, path), 'utf8');

/** The command that writes the manifest and the missing dumps. */
const UPDATE = 'node --conditions=development scripts/central-schema.ts';

const boat = SAMPLE_BOAT;
const ask = async (store: Store, path: string): Promise<Record<string, unknown>> => {
  const headers = { Authorization: `Bearer ${boat.token}` };
  const answer = await startNode(store).fetch(new Request(`http://central.test${path}`, { headers }));
  assert.equal(answer.status, 200);
  return (await answer.json()) as Record<string, unknown>;
};

describe('the schema', () => {
  let opened: StoreUnderTest | undefined;
  /** The schema of a database that starts empty. */
  let fresh = '';
  before(async () => {
    opened = await openEmbedded();
    await migrate(opened.store, NOON_MS);
    fresh = await readSchemaSql(opened.store);
  });
  after(() => opened?.close());
  const empty = async (): Promise<Store> => {
    assert.ok(opened !== undefined);
    await opened.store.script('drop schema public cascade; create schema public');
    return opened.store;
  };

  test('is exactly the manifest schema.sql', () => {
    assert.equal(fresh, read('schema.sql'), `the schema changed: review it, then run ${UPDATE}`);
  });

  test('has a dump of every released state since the first step', () => {
    assert.ok(DUMPS.length >= 6);
    assert.deepEqual(
      DUMPS.map((path) => basename(path, '.sql')),
      MIGRATIONS.slice(0, DUMPS.length).map(({ name }) => name),
    );
  });

  for (const [index, path] of DUMPS.entries())
    test(`migrates forward from ${path}, keeps every record, receipt and refusal, and accepts the next export of a boat`, async () => {
      const dump = read(path);
      const store = await empty();
      await store.script(dump);
      const { applied } = await migrate(store, NOON_MS);
      assert.deepEqual(
        applied,
        MIGRATIONS.slice(index + 1).map(({ name }) => name),
      );
      assert.equal(await readSchemaSql(store), fresh);
      for (const table of [
        'records_boatlog',
        'records_settings',
        'imports',
        'rejected_records',
        'device_tokens',
      ]) {
        const [row] = await store.query(`select count(*)::int as rows from ${table}`);
        assert.equal(
          row?.['rows'],
          dump.match(new RegExp(`^insert into ${table} values`, 'gm'))?.length,
          table,
        );
      }

      const app = startNode(store);
      const repeated = await importDocument(app, boat, toSampleBody(2), {
        headers: { 'Idempotency-Key': 'export_2/1' },
      });
      assert.deepEqual([repeated.import_id, repeated.duplicate], ['import_2', true]);
      const stored = await importDocument(app, boat, toDocument(boat, { sequence: 5 }));
      assert.equal(stored.duplicate, false);
      const restored = toDocument(boat, { sequence: 4, exportId: 'export_of_an_old_card' });
      await expectRefusal(app, toImportRequest(boat, restored), 409, 'LEDGER_DIVERGED');
      const revoked = { id: '00d0000000000002', token: 'revoked' };
      await expectRefusal(app, toImportRequest(revoked, toDocument(revoked)), 401, 'INVALID_TOKEN');

      const status = await ask(store, `/api/v1/data/export/status?installation_id=${boat.id}`);
      const isWithdrawn = index >= MIGRATIONS.findIndex(({ name }) => name === '0002-withdrawn-sequences');
      assert.deepEqual(
        [status['records_synced'], status['missing_sequences'], status['withdrawn_sequences']],
        [5, isWithdrawn ? [] : [3], isWithdrawn ? [3] : []],
      );
      const configuration = await ask(store, `/api/v1/installations/${boat.id}/configuration`);
      assert.match(JSON.stringify(configuration), /"language":"en"/);
    });
});

/** Statements after which a node of the previous version fails or reads different values. */
const CONTRACTS =
  /\b(?:drop (?:table|column|view|index|constraint|function)|rename (?:to|column|constraint)|alter column \S+ (?:type|set data type|set not null|drop default)|add (?:constraint|primary key|unique|check|foreign key)|truncate|create unique index)\b/i;

test('only a step whose name ends in -contract removes or narrows what the previous version uses', () => {
  for (const { name, sql } of MIGRATIONS) {
    if (name.endsWith('-contract')) continue;
    const bare = sql.replaceAll(/create table[^;]*;/gi, '').replaceAll(/'[^']*'/g, "''");
    assert.doesNotMatch(bare, CONTRACTS, name);
    for (const [column] of bare.matchAll(/add column [^,;]*/gi))
      assert.ok(!/not null/i.test(column) || /default/i.test(column), `${name}: ${column}`);
  }
});

test('0008-identity only creates tables, which an earlier node does not use except to erase a boat', () => {
  const sql = MIGRATIONS.find(({ name }) => name === '0008-identity')?.sql ?? '';
  const statements = sql
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
  const created = statements.flatMap((statement) => /^create table (\w+) \(/.exec(statement)?.[1] ?? []);
  assert.equal(created.length, 4);
  for (const statement of statements) {
    const table = /^create (?:table (\w+) \(|index \w+ on (\w+) )/.exec(statement);
    assert.ok(created.includes(table?.[1] ?? table?.[2] ?? ''), statement);
  }
  // `erase` of every version finds the tables of an installation by this column (retention/erase.ts).
  assert.match(sql, /create table enrolment_codes \(\n {2}installation_id text not null/);
});

describe('a node of an earlier version', () => {
  let opened: StoreUnderTest | undefined;
  before(async () => {
    opened = await openEmbedded();
  });
  after(() => opened?.close());
  const LATER = [
    ...MIGRATIONS,
    {
      name: '9001-later',
      sql: `alter table imports add column later text not null default 'new'; create table later (id integer primary key);`,
    },
  ];

  test("imports, is ready and can be restarted alongside a newer node if that node's steps only expand the schema", async () => {
    assert.ok(opened !== undefined);
    const { store } = opened;
    await store.script(read('dumps/0006-bundle-keys.sql'));
    await migrate(store, NOON_MS);
    const app = startNode(store);
    await migrate(store, NOON_MS, LATER);
    assert.deepEqual((await migrate(store, NOON_MS)).applied, [], 'the restart of the earlier version');
    await importDocument(app, boat, toDocument(boat, { sequence: 6 }));
    const ready = await startNode(store).fetch(new Request('http://central.test/api/v1/ready'));
    assert.equal(ready.status, 200);
  });

  test('refuses to start, and stops being ready, after a step that contracts the schema', async () => {
    assert.ok(opened !== undefined);
    const { store } = opened;
    await migrate(store, NOON_MS, [...LATER, { name: '9002-later-contract', sql: 'drop table later;' }]);
    await assert.rejects(migrate(store, NOON_MS), { code: 'SCHEMA_TOO_NEW' });
    const ready = new Request('http://central.test/api/v1/ready');
    const { body } = await expectRefusal(startNode(store), ready, 503, 'UNAVAILABLE');
    assert.match(body.message, /newer version/);
  });
});
