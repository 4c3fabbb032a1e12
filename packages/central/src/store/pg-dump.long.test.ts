// Dumps and restores every released state of the schema with pg_dump and pg_restore, on this machine's PostgreSQL.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { findEmbeddedAccount, giveFolder } from '../platform/embedded-account.ts';
import { SILENT_LOG } from '../platform/log.ts';
import { openPgStore } from '../platform/pg-store.ts';
import type { Store } from '../platform/ports.ts';
import { createCluster, DATABASE } from '../platform/postgres-cluster.ts';
import { createSocketDir, type RunningPostmaster, startPostmaster } from '../platform/postmaster.ts';
import { runStatement } from '../platform/testing/run-statement.ts';
import { importDocument, NOON_MS, startNode, toDocument } from '../testing/central-under-test.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { SAMPLE_BOAT, toSampleBody } from './testing/sample-rows.ts';
import { readDataSql, readSchemaSql } from './testing/schema-sql.ts';

const run = promisify(execFile);
const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');
const DUMPS = globSync('dumps/*.sql', { cwd: import.meta.dirname }).sort();

/**
 * Returns the programs of the newest PostgreSQL installed from Debian packages. pg_dump refuses a server newer than itself.
 */
function findPrograms():
  | { readonly kind: 'found'; readonly folder: string }
  | { readonly kind: 'missing'; readonly reason: string } {
  const folders = globSync('/usr/lib/postgresql/*/bin').sort().reverse();
  const programs = ['initdb', 'postgres', 'pg_dump', 'pg_restore'];
  const folder = folders.find((one) => programs.every((name) => existsSync(join(one, name))));
  return folder === undefined
    ? {
        kind: 'missing',
        reason: 'PostgreSQL is not installed (Debian packages postgresql and postgresql-client)',
      }
    : { kind: 'found', folder };
}

const programs = findPrograms();
const skip = programs.kind === 'missing' ? programs.reason : false;
if (programs.kind === 'missing') console.log(`skipped: ${programs.reason}`);

describe('a database restored with pg_restore', { skip }, () => {
  let dataDir = '';
  let socketDir = '';
  let postmaster: RunningPostmaster | undefined;
  const toProgram = (name: string): string => join(programs.kind === 'found' ? programs.folder : '', name);
  const addressOf = (database: string) => ({ host: socketDir, user: DATABASE.user, database });
  const withStore = async <T>(database: string, work: (store: Store) => Promise<T>): Promise<T> => {
    const store = openPgStore(addressOf(database), SILENT_LOG);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  const create = (database: string) =>
    runStatement(
      addressOf(DATABASE.database),
      `create database ${database} encoding 'UTF8' template template0`,
    );
  before(async () => {
    const binaries = { initdb: toProgram('initdb'), postgres: toProgram('postgres') };
    dataDir = await mkdtemp(join(tmpdir(), 'central-restore-'));
    const account = await findEmbeddedAccount(binaries.postgres);
    await giveFolder(dataDir, account);
    await createCluster(dataDir, binaries, account, SILENT_LOG);
    socketDir = await createSocketDir(account);
    postmaster = await startPostmaster({
      dataDir,
      socketDir,
      program: binaries.postgres,
      account,
      fsync: 'off',
    });
  });
  after(async () => {
    await postmaster?.stop();
    for (const folder of [dataDir, socketDir]) await rm(folder, { recursive: true, force: true });
  });

  for (const [index, path] of DUMPS.entries()) {
    const state = basename(path, '.sql');
    test(`at the state ${state} holds every row, migrates forward, and accepts the next export of a boat`, async () => {
      const [original, restored] = [`original_${index}`, `restored_${index}`];
      await create(original);
      await create(restored);
      const rows = await withStore(original, async (store) => {
        await store.script(read(path));
        return readDataSql(store);
      });
      // The two commands of docs/guides/run-central.md.
      const file = join(dataDir, `${state}.dump`);
      const connection = ['--host', socketDir, '--username', DATABASE.user];
      await run(toProgram('pg_dump'), [...connection, '--format=custom', `--file=${file}`, original]);
      await run(toProgram('pg_restore'), [
        ...connection,
        '--exit-on-error',
        '--single-transaction',
        `--dbname=${restored}`,
        file,
      ]);
      await withStore(restored, async (store) => {
        assert.equal(await readDataSql(store), rows);
        const { applied } = await migrate(store, NOON_MS);
        assert.deepEqual(
          applied,
          MIGRATIONS.slice(index + 1).map(({ name }) => name),
        );
        assert.equal(await readSchemaSql(store), read('schema.sql'));
        const app = startNode(store);
        const headers = { 'Idempotency-Key': 'export_2/1' };
        const repeated = await importDocument(app, SAMPLE_BOAT, toSampleBody(2), { headers });
        assert.deepEqual([repeated.import_id, repeated.duplicate], ['import_2', true]);
        const next = await importDocument(app, SAMPLE_BOAT, toDocument(SAMPLE_BOAT, { sequence: 5 }));
        assert.equal(next.duplicate, false);
      });
    });
  }
});
