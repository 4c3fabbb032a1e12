import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LAB_CACHE } from '../tests/support/booted-root.ts';

/** The lab's parts that take minutes to build. Each is a folder in the cache. */
type Part = 'boat-builder' | 'boat-system' | 'boat-card';
const PARTS: readonly Part[] = ['boat-builder', 'boat-system', 'boat-card'];

/**
 * Returns the folder of a part that was built from `recipe`. If it is not in the cache, `build` fills an empty folder, which
 * replaces those built from other recipes. An interrupted build leaves nothing in the cache.
 */
export async function takeFromCache(
  part: Part,
  recipe: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 12);
  const folder = join(LAB_CACHE, `${part}-${key}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  await build(partial);
  removeFromCache([part], [partial]);
  renameSync(partial, folder);
  return folder;
}

/** Removes all parts of the lab from the cache. */
export function clearLabCache(): void {
  removeFromCache(PARTS, []);
}

function removeFromCache(parts: readonly Part[], kept: readonly string[]): void {
  if (!existsSync(LAB_CACHE)) return;
  for (const name of readdirSync(LAB_CACHE)) {
    const path = join(LAB_CACHE, name);
    if (parts.some((part) => name.startsWith(`${part}-`)) && !kept.includes(path))
      rmSync(path, { recursive: true, force: true });
  }
}
