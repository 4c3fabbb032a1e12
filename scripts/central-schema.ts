// Writes the manifest of central's schema, packages/central/src/store/schema.sql, and a dump of each state that has none yet.
// With `--all` it rewrites every dump, which is correct only for states that were never released.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPgliteStore } from '../packages/central/src/platform/testing/pglite.ts';
import { migrate } from '../packages/central/src/store/migrate.ts';
import { MIGRATIONS } from '../packages/central/src/store/migrations/index.ts';
import { SAMPLE_ROWS } from '../packages/central/src/store/testing/sample-rows.ts';
import { readDataSql, readSchemaSql } from '../packages/central/src/store/testing/schema-sql.ts';

const STORE = join(import.meta.dirname, '..', 'packages', 'central', 'src', 'store');
const writesAll = process.argv.includes('--all');

const store = await openPgliteStore();
for (const [index, { name }] of MIGRATIONS.entries()) {
  await migrate(store, Date.UTC(2026, 4, 1), MIGRATIONS.slice(0, index + 1));
  await store.script(SAMPLE_ROWS[name] ?? '');
  const file = join(STORE, 'dumps', `${name}.sql`);
  if (existsSync(file) && !writesAll) continue;
  writeFileSync(file, `${await readSchemaSql(store)}\n${await readDataSql(store)}`);
  console.log(`wrote ${file}`);
}
writeFileSync(join(STORE, 'schema.sql'), await readSchemaSql(store));
await store.close();
