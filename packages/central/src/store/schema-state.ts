import { hash } from 'node:crypto';
import type { Queryable } from '../platform/ports.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { booleanOf, textOf } from './row.ts';

/**
 * Whether the database can serve this version: `behind` lacks a step that this version needs, and `changed` has a step with a
 * different text. Steps that this version does not know do no harm while it runs (docs/guides/run-central.md, "Upgrade").
 */
export type SchemaState = 'current' | 'behind' | 'changed';

/** Compares the applied migrations with those of this version. */
export async function loadSchemaState(store: Queryable): Promise<SchemaState> {
  const [table = {}] = await store.query("select to_regclass('schema_migrations') is not null as there");
  if (!booleanOf(table, 'there')) return 'behind';
  const rows = await store.query('select name, sha256 from schema_migrations');
  const present = new Map(rows.map((row) => [textOf(row, 'name'), textOf(row, 'sha256')]));
  if (MIGRATIONS.some(({ name }) => !present.has(name))) return 'behind';
  return MIGRATIONS.every(({ name, sql }) => present.get(name) === hash('sha256', sql))
    ? 'current'
    : 'changed';
}
