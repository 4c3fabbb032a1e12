// Runs every test that needs a PostgreSQL store on PGlite, which the simulator uses for central.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

process.env['D3KOS_TEST_STORE'] = 'pglite';
for (const file of globSync('*/*.test.ts', { cwd: import.meta.dirname })) {
  const path = join(import.meta.dirname, file);
  if (readFileSync(path, 'utf8').includes('describeOnPostgres(')) await import(path);
}
