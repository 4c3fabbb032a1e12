import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A folder of its own for one test file, removed when its tests are done. */
export function temporaryRoot(name: string): string {
  const root = mkdtempSync(join(tmpdir(), `d3kos-${name}-`));
  after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}
