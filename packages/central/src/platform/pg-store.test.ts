import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
} from '../testing/central-under-test.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { type CentralFailureCode, isCentralFailure } from './errors.ts';
import { SILENT_LOG } from './log.ts';
import { openPgStore, openSchemaStore, type PgStore } from './pg-store.ts';
import type { Store } from './ports.ts';
import { isStoreUnavailable, toStoreFailure } from './store-failure.ts';
import { copyCluster } from './testing/cluster-template.ts';
import { startPgBouncer } from './testing/pgbouncer.ts';
import { startPooler, startRefusingServer } from './testing/pooler.ts';
import { runStatement } from './testing/run-statement.ts';

/** Imports a part, repeats it and runs a query through a store whose server connection changes between transactions. */
async function exercise(store: Store): Promise<void> {
  await migrate(store, NOON_MS);
  const boat = await enrollBoat(store);
  const app = startNode(store);
  const documents = [1, 2].map((sequence) => toDocument(boat, { sequence }));
  await Promise.all(documents.map((document) => importDocument(app, boat, document)));
  for (const document of documents) assert.equal((await importDocument(app, boat, document)).duplicate, true);
  assert.equal((await heldRecords(store, boat)).length, 1);
}

describe('a store on a PostgreSQL server as operators run it', () => {
  let dataDir = '';
  let embedded: EmbeddedPostgres | undefined;
  const addressOf = (): EmbeddedPostgres['address'] => {
    assert.ok(embedded !== undefined);
    return embedded.address;
  };
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'central-store-'));
    await copyCluster(dataDir);
    embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
  });
  after(async () => {
    await embedded?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  test('works through a pooler in transaction mode that accepts no startup parameters', async () => {
    const pooler = await startPooler(addressOf().host);
    const store = openPgStore({ url: pooler.url(addressOf().user) }, SILENT_LOG);
    try {
      await exercise(store);
    } finally {
      await store.close();
      await pooler.close();
    }
  });

  test('limits the time of every statement except schema changes', async () => {
    const pooler = await startPooler(addressOf().host);
    const limits = async (store: PgStore) => {
      const [row] = await store.transaction((tx) =>
        tx.query("select current_setting('statement_timeout') as value"),
      );
      await store.close();
      return row?.['value'];
    };
    try {
      for (const address of [addressOf(), { url: pooler.url(addressOf().user) }]) {
        assert.equal(await limits(openPgStore(address, SILENT_LOG)), '25s');
        assert.equal(await limits(openSchemaStore(address, SILENT_LOG)), '0');
      }
    } finally {
      await pooler.close();
    }
  });

  test('works through the installed PgBouncer in transaction mode', async (context) => {
    const pooler = await startPgBouncer(addressOf());
    if (pooler.kind === 'unavailable') return context.skip(pooler.reason);
    const store = openPgStore({ url: pooler.url('central') }, SILENT_LOG);
    try {
      await exercise(store);
    } finally {
      await store.close();
      await pooler.close();
    }
  });

  test('reports the privilege that a login lacks, and needs no privilege to create tables once the owner has migrated', async () => {
    const { host } = addressOf();
    await runStatement(addressOf(), 'create role app login');
    await runStatement(addressOf(), 'create database fleet');
    const [app, owner] = [
      openPgStore({ host, user: 'app', database: 'fleet' }, SILENT_LOG),
      openPgStore({ host, user: addressOf().user, database: 'fleet' }, SILENT_LOG),
    ];
    try {
      await assert.rejects(migrate(app, NOON_MS), (error) => {
        assert.ok(isCentralFailure(error, 'STORE_RIGHT_MISSING'), String(error));
        assert.match(error.message, /permission denied for schema public/);
        assert.match(error.hint, /GRANT/);
        return true;
      });
      await migrate(owner, NOON_MS);
      await assert.rejects(app.query('select 1 from imports'), (error) =>
        isCentralFailure(error, 'STORE_RIGHT_MISSING'),
      );
      await owner.script('grant select, insert, update, delete on all tables in schema public to app');
      await exercise(app);
    } finally {
      await Promise.all([app.close(), owner.close()]);
    }
  });

  test("gives the program's login no privilege to change the schema or to read the server's files", async () => {
    await runStatement(addressOf(), 'create database least');
    const address = { ...addressOf(), database: 'least' };
    const owner = openPgStore(address, SILENT_LOG);
    await migrate(owner, NOON_MS, undefined, 'least_program');
    await owner.close();
    const program = openPgStore({ ...address, user: 'least_program' }, SILENT_LOG);
    try {
      await exercise(program);
      for (const statement of [
        'create table mine (n int)',
        'drop table imports',
        'create role another superuser',
        "select pg_read_file('/etc/passwd')",
        "copy imports to program 'cat'",
        'update pg_authid set rolsuper = true',
      ])
        await assert.rejects(
          program.query(statement),
          (error) =>
            isCentralFailure(error, 'STORE_RIGHT_MISSING') || isCentralFailure(error, 'STORE_FAILED'),
          statement,
        );
    } finally {
      await program.close();
    }
  });

  test('reports that a login has no connection left', async () => {
    await runStatement(addressOf(), 'create role crowded login connection limit 0');
    const store = openPgStore({ ...addressOf(), user: 'crowded' }, SILENT_LOG);
    await assert.rejects(store.query('select 1'), (error) =>
      isCentralFailure(error, 'STORE_CONNECTIONS_EXHAUSTED'),
    );
    await store.close();
  });
});

const REFUSALS: readonly (readonly [state: string, message: string, code: CentralFailureCode])[] = [
  ['28P01', 'password authentication failed for user "central"', 'STORE_LOGIN_REFUSED'],
  ['28000', 'no pg_hba.conf entry for host "192.0.2.1"', 'STORE_LOGIN_REFUSED'],
  ['3D000', 'database "fleet" does not exist', 'STORE_DATABASE_MISSING'],
  ['08P01', 'unsupported startup parameter: search_path', 'STORE_PROTOCOL_REFUSED'],
  ['08P01', 'no such database: fleet', 'STORE_PROTOCOL_REFUSED'],
  ['53300', 'sorry, too many clients already', 'STORE_CONNECTIONS_EXHAUSTED'],
  ['53100', 'could not extend file "base/5/2619": No space left on device', 'STORE_DISK_FULL'],
  ['53400', 'temporary file size exceeds temp_file_limit (1024kB)', 'STORE_DISK_FULL'],
  ['25006', 'cannot execute INSERT in a read-only transaction', 'STORE_READ_ONLY'],
  ['57014', 'canceling statement due to statement timeout', 'STORE_SLOW'],
  ['55P03', 'canceling statement due to lock timeout', 'STORE_SLOW'],
  ['53000', 'could not open file "base/5/2619": Too many open files in system', 'FILES_EXHAUSTED'],
  ['42501', 'could not open file "base/5/2619": Permission denied', 'STORE_RIGHT_MISSING'],
  ['57P03', 'the database system is starting up', 'STORE_UNAVAILABLE'],
];

for (const [state, message, code] of REFUSALS)
  test(`reports SQLSTATE ${state} (${message}) as ${code}, after which a later attempt may succeed`, async () => {
    const server = await startRefusingServer(state, message);
    const store = openPgStore({ url: server.url('central') }, SILENT_LOG);
    try {
      await assert.rejects(store.query('select 1'), (error) => {
        assert.ok(isCentralFailure(error, code), String(error));
        assert.ok(error.message.includes(message));
        assert.ok(isStoreUnavailable(error));
        return true;
      });
    } finally {
      await store.close();
      await server.close();
    }
  });

test('reports a process without free file descriptors as FILES_EXHAUSTED, not as an unavailable database', () => {
  const limit = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
  for (const error of [limit('EMFILE'), limit('ENFILE'), new AggregateError([limit('EMFILE')])])
    assert.equal(toStoreFailure(error, 'connect').code, 'FILES_EXHAUSTED');
  assert.equal(toStoreFailure(limit('ECONNREFUSED'), 'connect').code, 'STORE_UNAVAILABLE');
});
