import { mkdir, realpath, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toDataDirFailure } from './data-directory-failure.ts';
import { type DataDirectoryLock, lockDataDirectory } from './data-directory-lock.ts';
import { repairEntrance, repairModes } from './data-directory-modes.ts';
import { findEmbeddedAccount, giveFolder } from './embedded-account.ts';
import { findEmbeddedBinaries } from './embedded-binaries.ts';
import { CentralFailure } from './errors.ts';
import type { Log } from './ports.ts';
import { createCluster, DATABASE } from './postgres-cluster.ts';
import { createSocketDir, findAnsweringSocket, startPostmaster, stopLeftBehind } from './postmaster.ts';

/** Longest wait for the data directory's lock. Another command holds it for a second or two. */
const LOCK_WAIT_MAX_MS = 5_000;

/** Interval between two attempts to take the lock. */
const LOCK_POLL_MS = 50;

/** Options for starting the embedded PostgreSQL. */
export interface EmbeddedOptions {
  /** Its folder, created if missing. */
  readonly dataDir: string;
  readonly log: Log;
  /** `off` is only for tests that discard their data, because a power cut could lose acknowledged commits. The default is on. */
  readonly fsync?: 'on' | 'off';
}

/** A running embedded PostgreSQL. It listens only on a Unix socket. */
export interface EmbeddedPostgres {
  /** The address at which the database owner logs in. */
  readonly address: { readonly host: string; readonly user: string; readonly database: string };
  /** Resolves with the reason if PostgreSQL ends before `stop` is called. Never rejects. */
  readonly ended: Promise<string>;
  /** Shuts PostgreSQL down and releases the data directory. A repeated call has no effect. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL on a data directory: creates the cluster once, stops a postmaster that a killed process left
 * running, and waits until PostgreSQL answers. Commits are durable (fsync, synchronous_commit) unless `options` says otherwise.
 * Throws DATA_DIR_IN_USE while another live process uses the directory, DATA_DIR_FULL, FILES_EXHAUSTED, EMBEDDED_UNAVAILABLE,
 * EMBEDDED_FAILED.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = await prepareDataDir(options.dataDir);
  const deadlineMs = performance.now() + LOCK_WAIT_MAX_MS;
  for (;;) {
    const lock = await takeLock(dataDir);
    if (lock !== undefined) return startLocked(dataDir, options, lock);
    if (performance.now() > deadlineMs) throw inUse(dataDir);
    await sleep(LOCK_POLL_MS);
  }
}

/**
 * For a short command: returns the PostgreSQL that a live process runs on the data directory, or starts one. `stop` stops
 * PostgreSQL only if this call started it. Throws like startEmbeddedPostgres.
 */
export async function borrowEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = await prepareDataDir(options.dataDir);
  const deadlineMs = performance.now() + LOCK_WAIT_MAX_MS;
  for (;;) {
    const lock = await takeLock(dataDir);
    if (lock !== undefined) return startLocked(dataDir, options, lock);
    const socketDir = await findAnsweringSocket(dataDir);
    if (socketDir !== undefined)
      return {
        address: { host: socketDir, ...DATABASE },
        ended: new Promise<string>(() => undefined),
        stop: async () => undefined,
      };
    if (performance.now() > deadlineMs) throw inUse(dataDir);
    await sleep(LOCK_POLL_MS);
  }
}

function inUse(dataDir: string): CentralFailure {
  return new CentralFailure('DATA_DIR_IN_USE', `another d3kos-central is using ${dataDir}`, {
    op: `lock ${dataDir}`,
    hint: 'stop it, or choose another folder with CENTRAL_DATA_DIR or --data-dir',
  });
}

async function prepareDataDir(path: string): Promise<string> {
  if (process.platform !== 'linux')
    throw new CentralFailure(
      'EMBEDDED_UNAVAILABLE',
      `the embedded PostgreSQL does not run on ${process.platform}`,
      { op: 'start the embedded PostgreSQL', hint: 'set DATABASE_URL to your own PostgreSQL' },
    );
  try {
    await mkdir(resolve(path), { recursive: true, mode: 0o700 });
    const dataDir = await realpath(resolve(path));
    await repairEntrance(dataDir);
    return dataDir;
  } catch (error) {
    throw await toDataDirFailure(error, resolve(path));
  }
}

/** Takes the lock. Returns undefined while another process holds it. Throws a CentralFailure if the folder cannot be used. */
async function takeLock(dataDir: string): Promise<DataDirectoryLock | undefined> {
  try {
    return await lockDataDirectory(dataDir);
  } catch (error) {
    throw await toDataDirFailure(error, dataDir);
  }
}

async function startLocked(
  dataDir: string,
  options: EmbeddedOptions,
  lock: DataDirectoryLock,
): Promise<EmbeddedPostgres> {
  try {
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) await repairModes(dataDir, options.log);
    await stopLeftBehind(dataDir, options.log);
    const binaries = await findEmbeddedBinaries();
    const account = await findEmbeddedAccount(binaries.postgres);
    await giveFolder(dataDir, account);
    // Root repairs the modes only after this check, because the folder could belong to another account's service.
    if (isRoot) await repairModes(dataDir, options.log);
    await createCluster(dataDir, binaries, account, options.log);
    const socketDir = await createSocketDir(account);
    const postmaster = await startPostmaster({
      dataDir,
      socketDir,
      program: binaries.postgres,
      account,
      fsync: options.fsync ?? 'on',
    }).catch(async (error: unknown) => {
      await rm(socketDir, { recursive: true, force: true });
      throw error;
    });
    return {
      address: { host: socketDir, ...DATABASE },
      ended: postmaster.ended,
      stop: async () => {
        await postmaster.stop();
        await rm(socketDir, { recursive: true, force: true });
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw await toDataDirFailure(error, dataDir);
  }
}
