import { once } from 'node:events';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedAccount, giveFolder, spawnAs } from './embedded-account.ts';
import type { EmbeddedBinaries } from './embedded-binaries.ts';
import { CentralFailure } from './errors.ts';
import type { Log } from './ports.ts';

/** User and database of the embedded cluster. */
export const DATABASE = { user: 'central', database: 'postgres' } as const;

/** Returns the folder of the cluster in a data directory. */
export function toClusterPath(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/**
 * Creates the cluster unless it exists. It is created under a temporary name first, so that a killed initdb leaves nothing that
 * looks like a database.
 */
export async function createCluster(
  dataDir: string,
  { initdb }: EmbeddedBinaries,
  account: EmbeddedAccount,
  log: Log,
): Promise<void> {
  const cluster = toClusterPath(dataDir);
  if ((await readOptional(join(cluster, 'PG_VERSION'))) !== undefined) return;
  log.write('info', 'creating the embedded database', { folder: cluster });
  const fresh = `${cluster}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await giveFolder(fresh, account);
  await runToEnd(account, initdb, [
    '-D',
    fresh,
    '--encoding=UTF8',
    '--locale=C',
    `--username=${DATABASE.user}`,
    '--auth=trust',
    '--no-instructions',
  ]);
  await rename(fresh, cluster);
  const folder = await open(dataDir);
  await folder.sync();
  await folder.close();
}

async function runToEnd(account: EmbeddedAccount, program: string, args: readonly string[]): Promise<void> {
  const child = spawnAs(account, program, args);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => output.push(data.toString('utf8')));
  const [code] = await once(child, 'close');
  if (code !== 0)
    throw embeddedFailed(`${program} ended with ${String(code)}: ${output.join('').slice(-2_000)}`);
}

/** Returns the text of a file, or undefined if the file does not exist. */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the error to throw when the embedded PostgreSQL fails. */
export function embeddedFailed(message: string): CentralFailure {
  return new CentralFailure('EMBEDDED_FAILED', message, {
    op: 'run the embedded PostgreSQL',
    hint: 'see the log named above, or set DATABASE_URL to your own PostgreSQL',
  });
}
