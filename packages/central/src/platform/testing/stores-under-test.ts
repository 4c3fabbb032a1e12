import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';
import { SILENT_LOG } from '../log.ts';
import { openPgStore } from '../pg-store.ts';
import type { Store } from '../ports.ts';
import { systemRandomHex } from '../world.ts';
import { copyCluster } from './cluster-template.ts';
import { openPgliteStore } from './pglite.ts';
import { runStatement } from './run-statement.ts';

/** An empty database. */
export interface StoreUnderTest {
  readonly store: Store;
  /**
   * A second store on the same database, as a second node would have. It has its own connections if the store uses connections.
   */
  readonly secondStore: Store;
  close(): Promise<void>;
}

/** PostgreSQL in WebAssembly, in memory. */
export async function openPglite(): Promise<StoreUnderTest> {
  const store = await openPgliteStore();
  return { store, secondStore: store, close: () => store.close() };
}

/** The embedded PostgreSQL on its own folder. It runs without fsync because its data is discarded. */
export async function openEmbedded(): Promise<StoreUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'central-test-'));
  await copyCluster(dataDir);
  const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
  const [store, secondStore] = [
    openPgStore(embedded.address, SILENT_LOG),
    openPgStore(embedded.address, SILENT_LOG),
  ];
  return {
    store,
    secondStore,
    close: async () => {
      await Promise.all([store.close(), secondStore.close()]);
      await embedded.stop();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** A new database on the server of DATABASE_URL, dropped afterwards. A pooler may keep connections to it. */
async function openOnUrl(url: string): Promise<StoreUnderTest> {
  const name = `d3kos_test_${systemRandomHex(6)}`;
  await runStatement({ url }, `create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const [store, secondStore] = [
    openPgStore({ url: own.href }, SILENT_LOG),
    openPgStore({ url: own.href }, SILENT_LOG),
  ];
  return {
    store,
    secondStore,
    close: async () => {
      await Promise.all([store.close(), secondStore.close()]);
      await runStatement({ url }, `drop database ${name} with (force)`);
    },
  };
}

/**
 * Declares tests on the embedded PostgreSQL, and again on the database of DATABASE_URL if it is set. The long tier declares the
 * same tests on PGlite, which the simulator uses for central (../../pglite.long.test.ts), and through PgBouncer
 * (../../pooler.long.test.ts). D3KOS_TEST_STORE selects the one store used in such a run.
 */
export function describeOnPostgres(name: string, declare: (open: () => StoreUnderTest) => void): void {
  const only = process.env['D3KOS_TEST_STORE'];
  if (only === 'pglite') {
    describeOn('PGlite', openPglite, name, declare);
    return;
  }
  const url = process.env['DATABASE_URL'];
  if (only !== 'url') describeOn('the embedded PostgreSQL', openEmbedded, name, declare);
  if (url !== undefined) describeOn('DATABASE_URL', () => openOnUrl(url), name, declare);
}

/** Declares the same tests on the embedded PostgreSQL, on PGlite, and on the database of DATABASE_URL if it is set. */
export function describeOnEveryStore(name: string, declare: (open: () => StoreUnderTest) => void): void {
  describeOnPostgres(name, declare);
  if (process.env['D3KOS_TEST_STORE'] === undefined) describeOn('PGlite', openPglite, name, declare);
}

function describeOn(
  kind: string,
  open: () => Promise<StoreUnderTest>,
  name: string,
  declare: (open: () => StoreUnderTest) => void,
): void {
  describe(`${name} on ${kind}`, () => {
    let opened: StoreUnderTest | undefined;
    before(async () => {
      opened = await open();
    });
    after(async () => {
      await opened?.close();
    });
    declare(() => {
      if (opened === undefined) throw new Error('the store is not open yet');
      return opened;
    });
  });
}
