import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { toPgliteStore } from '../pglite-store.ts';
import type { Store } from '../ports.ts';

/** `npm ci` removes this folder, and thus any snapshot of another PGlite version. */
const CACHE = join(import.meta.dirname, '..', '..', '..', '..', '..', 'node_modules', '.cache');
const SNAPSHOT = join(CACHE, 'pglite.tar');

/**
 * Opens an empty in-memory PostgreSQL database that runs in WebAssembly. The first call in a checkout saves a snapshot of the empty database. Later
 * calls load it, which takes a fifth of the CPU time that initdb takes in WebAssembly.
 */
export async function openPgliteStore(): Promise<Store> {
  if (existsSync(SNAPSHOT))
    return toPgliteStore(await PGlite.create({ loadDataDir: new Blob([await readFile(SNAPSHOT)]) }));
  const db = await PGlite.create();
  const snapshot = Buffer.from(await (await db.dumpDataDir('none')).arrayBuffer());
  await mkdir(CACHE, { recursive: true });
  // Test files run in separate processes, each of which writes a complete snapshot and renames it.
  const temporary = `${SNAPSHOT}.${randomUUID()}`;
  await writeFile(temporary, snapshot);
  await rename(temporary, SNAPSHOT);
  return toPgliteStore(db);
}
