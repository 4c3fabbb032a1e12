import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnce } from '../scripts/build-once.ts';
import { LAB_CACHE } from '../tests/support/booted-root.ts';

/** The lab's parts that take minutes to build. Each is a folder in the cache. */
type Part = 'boat-builder' | 'boat-system' | 'boat-card';
const PARTS: readonly Part[] = ['boat-builder', 'boat-system', 'boat-card'];

/**
 * Returns the folder of a part that was built from `recipe`. If it is not in the cache, `build` fills an empty folder, which
 * replaces those built from other recipes. An interrupted build leaves nothing in the cache.
 */
export function takeFromCache(
  part: Part,
  recipe: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 12);
  return buildOnce(join(LAB_CACHE, `${part}-${key}`), async (partial) => {
    await build(partial);
    removeFromCache([part], [partial]);
  });
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
