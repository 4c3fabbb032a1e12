import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findEmbeddedAccount } from '../embedded-account.ts';
import { findEmbeddedBinaries } from '../embedded-binaries.ts';
import { SILENT_LOG } from '../log.ts';
import { createCluster, toClusterPath } from '../postgres-cluster.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..', '..');
/** `npm ci` removes this folder, and thus any cluster of another PostgreSQL version. */
const CACHE = join(ROOT, 'node_modules', '.cache');

const run = promisify(execFile);

/**
 * Returns the path of the template. It contains a digest of the code that creates the template, so that a change to that code
 * leads to a new template.
 */
function toTemplate(): string {
  const source = readFileSync(join(import.meta.dirname, '..', 'postgres-cluster.ts'));
  return join(CACHE, `central-cluster-${createHash('sha256').update(source).digest('hex').slice(0, 16)}`);
}

/**
 * Copies the cluster that a first start would create into a data directory. The first call in a checkout runs initdb. Later calls
 * copy its result, which takes a fifth of the CPU time.
 */
export async function copyCluster(dataDir: string): Promise<void> {
  const template = toTemplate();
  if (!existsSync(template)) await createTemplate(template);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await run('cp', ['-a', '--reflink=auto', toClusterPath(template), dataDir]);
}

async function createTemplate(template: string): Promise<void> {
  // Test files run in separate processes, each of which creates a complete template and renames it.
  const temporary = `${template}.${randomUUID()}`;
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const binaries = await findEmbeddedBinaries();
  await createCluster(temporary, binaries, await findEmbeddedAccount(binaries.postgres), SILENT_LOG);
  await rename(temporary, template).catch(async (error: unknown) => {
    await rm(temporary, { recursive: true });
    // Another process has created the template in the meantime.
    if (!existsSync(template)) throw error;
  });
}
