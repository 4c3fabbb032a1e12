import type { Config } from './config.ts';
import { createApp } from './http/app.ts';
import type { Preparer } from './import/preparer.ts';
import { createPasswordHasher } from './operators/passwords.ts';
import { createWorkerPreparer } from './import/worker-preparer.ts';
import {
  borrowEmbeddedPostgres,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from './platform/embedded-postgres.ts';
import { readFreeBytes } from './platform/free-space.ts';
import { type Listener, listen } from './platform/listen.ts';
import { createPageReader } from './platform/page-files.ts';
import { openPgStore, openSchemaStore, type PgAddress, type PgStore } from './platform/pg-store.ts';
import type { Log } from './platform/ports.ts';
import { registerProcessMetrics } from './platform/process-metrics.ts';
import {
  preparerThreads,
  systemMonotonic,
  systemPause,
  systemRandomHex,
  systemWall,
} from './platform/world.ts';
import { distribute, type DistributionReport } from './store/distribute.ts';
import { createLockWait } from './store/lock-wait.ts';
import { migrate, type MigrationReport, PROGRAM_ROLE } from './store/migrate.ts';
import { MIGRATIONS } from './store/migrations/index.ts';

/** A store together with its database. */
export interface OpenStore {
  /**
   * The program's store. On the embedded database, its login may only read and change rows, so `migrate` must create the tables
   * first.
   */
  readonly store: PgStore;
  /**
   * Brings the schema up to date, however long that takes. On the embedded database, it logs in as the owner. Once `signal`
   * aborts, a wait for another session's lock ends, and `migrate` throws the signal's reason.
   */
  migrate(signal?: AbortSignal): Promise<MigrationReport>;
  /** Distributes the tables over the Citus nodes, however long that takes. */
  distribute(): Promise<DistributionReport>;
  /** Resolves with the reason if the embedded database ends unexpectedly. Never resolves for a DATABASE_URL. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/**
 * Opens the configured store without applying migrations. `serve` owns the embedded database while it runs; a `command` can use
 * the database of a running `serve`.
 */
export async function openStore(
  config: Pick<Config, 'store'>,
  use: 'serve' | 'command',
  log: Log,
): Promise<OpenStore> {
  if (config.store.kind === 'url') {
    const { url } = config.store;
    const store = openPgStore({ url }, log);
    return {
      store,
      ...changeSchemaOf({ url }, log),
      ended: new Promise(() => undefined),
      close: () => store.close(),
    };
  }
  const options = { dataDir: config.store.dataDir, log };
  const embedded =
    use === 'serve' ? await startEmbeddedPostgres(options) : await borrowEmbeddedPostgres(options);
  return overEmbedded(embedded, log);
}

function overEmbedded(embedded: EmbeddedPostgres, log: Log): OpenStore {
  const store = openPgStore({ ...embedded.address, user: PROGRAM_ROLE }, log);
  return {
    store,
    ...changeSchemaOf(embedded.address, log, PROGRAM_ROLE),
    ended: embedded.ended,
    close: async () => {
      await store.close();
      await embedded.stop();
    },
  };
}

/** Returns the operations that change the schema. Each opens its own connection with the login that owns the tables. */
function changeSchemaOf(
  owner: PgAddress,
  log: Log,
  programRole?: string,
): Pick<OpenStore, 'migrate' | 'distribute'> {
  const change = async <T>(work: (store: PgStore) => Promise<T>): Promise<T> => {
    const store = openSchemaStore(owner, log);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  return {
    migrate: (signal) =>
      change((store) => {
        const waitForLock = createLockWait({ log, pause: systemPause, signal });
        return migrate(store, systemWall(), MIGRATIONS, programRole, waitForLock);
      }),
    distribute: () => change(distribute),
  };
}

/** A running node. */
export interface RunningCentral {
  readonly url: string;
  /** Resolves with the reason if the node cannot continue. */
  readonly ended: Promise<string>;
  /** Waits for requests in progress, then closes the store. */
  stop(): Promise<void>;
}

/**
 * Opens the store, brings its schema up to date and listens. Throws the reason of `signal` if it aborts while a schema step waits
 * for another session.
 */
export async function startCentral(config: Config, log: Log, signal?: AbortSignal): Promise<RunningCentral> {
  const open = await openStore(config, 'serve', log);
  try {
    await open.migrate(signal);
    const preparer = createWorkerPreparer(preparerThreads());
    const listener = await listenOn(config, open.store, preparer, log);
    return {
      url: listener.url,
      ended: open.ended,
      stop: async () => {
        await listener.stop();
        await preparer.close();
        await open.close();
      },
    };
  } catch (error) {
    await open.close();
    throw error;
  }
}

function listenOn(config: Config, store: PgStore, preparer: Preparer, log: Log): Promise<Listener> {
  const app = createApp({
    store,
    wall: systemWall,
    monotonic: systemMonotonic,
    preparer,
    randomHex: systemRandomHex,
    passwords: createPasswordHasher(systemRandomHex, systemMonotonic),
    readPageFile: createPageReader(),
    log,
    operatorToken: config.operatorToken,
    trustedProxies: config.trustedProxies,
    quota: config.quota,
    ...toStorage(config),
    limits: config.limits,
    connections: store.connections,
    registerProcessMetrics,
  });
  return listen(app.fetch, config);
}

/** The embedded database's disk. With DATABASE_URL, the disk may be on another machine. */
function toStorage({ store, diskReserveBytes }: Config) {
  if (store.kind === 'url') return {};
  const { dataDir } = store;
  return { storage: { reserveBytes: diskReserveBytes, freeBytes: () => readFreeBytes(dataDir) } };
}
