import type { Stats } from 'node:fs';
import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CentralFailure } from './errors.ts';
import type { Log } from './ports.ts';
import { toClusterPath } from './postgres-cluster.ts';

/** Permissions that other accounts must not have on the data. PostgreSQL refuses to start if others can enter its folder. */
const OTHERS = 0o077;

/** Permissions that the owning account needs on folders and files. A copy from a read-only medium lacks some of them. */
const FOLDER_OWNER = 0o700;
const FILE_OWNER = 0o600;

/**
 * Gives the owning account access to a data directory. If the directory contains a cluster, all other accounts lose access.
 * Otherwise they keep it, because the operator may have specified the folder by mistake.
 */
export async function repairEntrance(dataDir: string): Promise<void> {
  const facts = await lstat(dataDir);
  if ((facts.mode & FOLDER_OWNER) !== FOLDER_OWNER) await chmod(dataDir, (facts.mode & 0o777) | FOLDER_OWNER);
  if (await findFacts(toClusterPath(dataDir))) {
    await repairMode(dataDir);
    await repairMode(toClusterPath(dataDir));
  }
}

/**
 * Repairs the modes of a cluster that was copied or restored without them, so that only the account that owns the cluster may
 * read and write. Symbolic links are not followed. Call `repairEntrance` first, so that no other account can change the folder in
 * the meantime. Throws EMBEDDED_FAILED if the cluster belongs to another account.
 */
export async function repairModes(dataDir: string, log: Log): Promise<void> {
  const cluster = toClusterPath(dataDir);
  const facts = await findFacts(cluster);
  if (facts === undefined) return;
  const self = process.getuid?.() ?? 0;
  if (self !== 0 && facts.uid !== self)
    throw new CentralFailure('EMBEDDED_FAILED', `${cluster} belongs to another account (uid ${facts.uid})`, {
      op: `use ${cluster}`,
      hint: `as root, run chown -R ${self} ${dataDir}, or run d3kos-central as that account`,
    });
  const repaired = await repairBelow(cluster);
  if (repaired > 0) log.write('warn', "repaired the data folder's modes", { folder: cluster, repaired });
}

async function repairBelow(folder: string): Promise<number> {
  let repaired = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const path = join(folder, entry.name);
    repaired += await repairMode(path);
    if (entry.isDirectory()) repaired += await repairBelow(path);
  }
  return repaired;
}

/** Returns the number of repaired modes, 0 or 1. A file that has been removed in the meantime is ignored. */
async function repairMode(path: string): Promise<number> {
  const facts = await findFacts(path);
  if (facts === undefined || facts.isSymbolicLink()) return 0;
  const mode = facts.mode & 0o777;
  const right = (mode & ~OTHERS) | (facts.isDirectory() ? FOLDER_OWNER : FILE_OWNER);
  if (right === mode) return 0;
  await chmod(path, right);
  return 1;
}

async function findFacts(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
