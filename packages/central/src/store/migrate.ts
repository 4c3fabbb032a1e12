import { hash } from 'node:crypto';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';
import { textOf } from './row.ts';

/** The key of the advisory lock that migrations hold, an arbitrary constant. Two nodes that start together apply each step once. */
const MIGRATION_LOCK = 826_351_108;

/** The result of one run of the migrations. */
export interface MigrationReport {
  readonly applied: readonly string[];
  readonly present: readonly string[];
}

/**
 * Applies the missing steps of `migrations` in one transaction under an advisory lock. Throws CONFIG_INVALID for a database that
 * is not encoded in UTF-8, MIGRATION_CHANGED if the text of an applied step has changed, and SCHEMA_TOO_NEW if the database has
 * steps that this version does not know.
 */
export async function migrate(
  store: Store,
  wallMs: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<MigrationReport> {
  return store.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    await requireEveryText(tx);
    await tx.script(
      'create table if not exists schema_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null)',
    );
    const rows = await tx.query('select name, sha256 from schema_migrations order by name');
    const present = new Map(rows.map((row) => [textOf(row, 'name'), textOf(row, 'sha256')]));
    refuseForeignSteps(present, migrations);
    const applied: string[] = [];
    for (const { name, sql } of migrations) {
      if (present.has(name)) continue;
      await tx.script(sql);
      await tx.query('insert into schema_migrations values ($1, $2, $3::timestamptz)', [
        name,
        hash('sha256', sql),
        new Date(wallMs).toISOString(),
      ]);
      applied.push(name);
    }
    return { applied, present: [...present.keys()] };
  });
}

/**
 * Throws CONFIG_INVALID unless the database is encoded in UTF-8. Any other encoding lacks some characters, and central would
 * refuse the boats that send them.
 */
async function requireEveryText(tx: Queryable): Promise<void> {
  const [row = {}] = await tx.query("select current_setting('server_encoding') as encoding");
  const encoding = textOf(row, 'encoding');
  if (encoding === 'UTF8') return;
  throw new CentralFailure('CONFIG_INVALID', `the database of DATABASE_URL has the encoding ${encoding}`, {
    op: 'check the encoding of the database',
    hint: 'create a database with `createdb --encoding=UTF8 --template=template0 NAME` and put its name in DATABASE_URL',
  });
}

function refuseForeignSteps(present: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Map(migrations.map(({ name, sql }) => [name, hash('sha256', sql)]));
  for (const [name, digest] of present) {
    const expected = known.get(name);
    if (expected === undefined)
      throw new CentralFailure('SCHEMA_TOO_NEW', `the database has the unknown migration ${name}`, {
        op: 'migrate',
        hint: 'a newer d3kos-central used this database; run that version',
      });
    if (expected !== digest)
      throw new CentralFailure('MIGRATION_CHANGED', `the migration ${name} changed after it was applied`, {
        op: 'migrate',
        hint: 'restore the released migration and put the change into a new one',
      });
  }
}
