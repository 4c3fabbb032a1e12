import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';
import { SILENT_LOG } from '../log.ts';
import { openPgStore } from '../pg-store.ts';
import type { Store } from '../ports.ts';
import { systemRandomHex } from '../world.ts';
import { openPgliteStore } from './pglite.ts';

/** An empty database. */
export interface StoreUnderTest {
  readonly store: Store;
  /** A second store on the same database, as a second node has. It has its own connections if the server has connections. */
  readonly secondStore: Store;
  close(): Promise<void>;
}

/** PostgreSQL in WebAssembly, in memory. */
export async function openPglite(): Promise<StoreUnderTest> {
  const store = await openPgliteStore();
  return { store, secondStore: store, close: () => store.close() };
}

/** The embedded PostgreSQL on its own folder. It runs without fsync, because its data is discarded. */
export async function openEmbedded(): Promise<StoreUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'central-test-'));
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

/** A new database on the server of DATABASE_URL, dropped afterwards. */
async function openOnUrl(url: string): Promise<StoreUnderTest> {
  const name = `d3kos_test_${systemRandomHex(6)}`;
  const server = openPgStore({ url }, SILENT_LOG);
  await server.query(`create database ${name}`);
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
      await server.query(`drop database ${name}`);
      await server.close();
    },
  };
}

/** Declares the same tests for each store: PGlite, the embedded PostgreSQL, and the server of DATABASE_URL if it is set. */
export function describeOnEveryStore(name: string, declare: (open: () => StoreUnderTest) => void): void {
  const url = process.env['DATABASE_URL'];
  const kinds: readonly (readonly [string, () => Promise<StoreUnderTest>])[] = [
    ['PGlite', openPglite],
    ['embedded PostgreSQL', openEmbedded],
    ...(url === undefined ? [] : [['DATABASE_URL', () => openOnUrl(url)] as const]),
  ];
  for (const [kind, open] of kinds)
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
