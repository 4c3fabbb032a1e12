import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CORPUS = join(import.meta.dirname, 'corpus');

/** Reads the kept inputs of a target, sorted by name. */
export function readCorpus(target: string): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
  return globSync('*', { cwd: join(CORPUS, target) })
    .toSorted()
    .map((name) => ({ name, bytes: readFileSync(join(CORPUS, target, name)) }));
}

/** Names of the folders in the corpus. */
export function listCorpora(): readonly string[] {
  return globSync('*', { cwd: CORPUS }).toSorted();
}
