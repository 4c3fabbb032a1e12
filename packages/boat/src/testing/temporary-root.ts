import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** Creates a temporary folder for one test file and removes it after the tests. */
export function temporaryRoot(name: string): string {
  const root = mkdtempSync(join(tmpdir(), `d3kos-${name}-`));
  after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}
