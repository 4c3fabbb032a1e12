import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Reads one of the Fleet page's files as text. Returns undefined if the page has not been built or has no such file. */
export type ReadPageFile = (name: string) => Promise<string | undefined>;

/** Returns a reader of the built page, which is in dist whether this file runs from dist or from the sources. */
export function createPageReader(): ReadPageFile {
  const folder = [
    join(import.meta.dirname, '..', 'page'),
    join(import.meta.dirname, '..', '..', 'dist', 'page'),
  ].find((candidate) => existsSync(join(candidate, 'index.html')));
  return async (name) => {
    if (folder === undefined) return undefined;
    try {
      return await readFile(join(folder, name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  };
}
