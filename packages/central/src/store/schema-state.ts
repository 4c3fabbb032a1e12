import { hash } from 'node:crypto';
import type { Queryable } from '../platform/ports.ts';
import { isContracting, MIGRATIONS } from './migrations/index.ts';
import { booleanOf, textOf } from './row.ts';

/**
 * Whether the database can serve this version. `behind`: it lacks a step that this version needs. `changed`: it has a step with a
 * different text. `ahead`: it has a contracting step that is unknown to this version (decision 0043).
 */
export type SchemaState = 'current' | 'behind' | 'changed' | 'ahead';

/** Compares the applied migrations with those of this version. */
export async function loadSchemaState(store: Queryable): Promise<SchemaState> {
  const [table = {}] = await store.query("select to_regclass('schema_migrations') is not null as there");
  if (!booleanOf(table, 'there')) return 'behind';
  const rows = await store.query('select name, sha256 from schema_migrations');
  const present = new Map(rows.map((row) => [textOf(row, 'name'), textOf(row, 'sha256')]));
  if (MIGRATIONS.some(({ name }) => !present.has(name))) return 'behind';
  const known = new Set(MIGRATIONS.map(({ name }) => name));
  if ([...present.keys()].some((name) => !known.has(name) && isContracting(name))) return 'ahead';
  return MIGRATIONS.every(({ name, sql }) => present.get(name) === hash('sha256', sql))
    ? 'current'
    : 'changed';
}
