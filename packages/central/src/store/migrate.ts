import { hash } from 'node:crypto';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { isContracting, MIGRATIONS, type Migration } from './migrations/index.ts';
import { booleanOf, textOf } from './row.ts';

/**
 * The key of the advisory lock that migrations hold, an arbitrary constant. If two nodes
 * start at the same time, each step is still applied only once.
 */
export const MIGRATION_LOCK = 826_351_108;

/** The result of a migration run. */
export interface MigrationReport {
  readonly applied: readonly string[];
  readonly present: readonly string[];
}

/**
 * The program's login on the embedded database. It may only read and change rows. The owner, which is a superuser there, is used
 * only for migrations. A fault in the program can therefore neither change the schema nor read the server's files.
 */
export const PROGRAM_ROLE = 'central_program';

/**
 * Applies the missing steps of `migrations` in one transaction under an advisory lock. If no step is missing, the login needs
 * no privilege to create tables. Steps that this version does not know are accepted unless they contract the schema. With
 * `programRole`, it creates that login and grants it access to every table. Throws CONFIG_INVALID for a database that is not
 * encoded in UTF-8, MIGRATION_CHANGED if the text of an applied step has changed, and SCHEMA_TOO_NEW if the database has a
 * contracting step that this version does not know.
 */
export async function migrate(
  store: Store,
  wallMs: number,
  migrations: readonly Migration[] = MIGRATIONS,
  programRole?: string,
): Promise<MigrationReport> {
  return store.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    await requireEveryText(tx);
    const [table = {}] = await tx.query("select to_regclass('schema_migrations') is not null as there");
    // Even `create table if not exists` needs the privilege to create tables.
    if (!booleanOf(table, 'there'))
      await tx.script(
        'create table schema_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null)',
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
    if (programRole !== undefined) await grantProgram(tx, programRole, applied.length > 0);
    return { applied, present: [...present.keys()] };
  });
}

/** Creates the program's login if it is missing, and grants it access to the tables after a schema change. */
async function grantProgram(tx: Queryable, role: string, isChanged: boolean): Promise<void> {
  const [known] = await tx.query('select 1 from pg_roles where rolname = $1::text', [role]);
  if (known !== undefined && !isChanged) return;
  if (known === undefined)
    await tx.script(
      `create role ${role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls`,
    );
  await tx.script(
    `grant usage on schema public to ${role};
     grant select, insert, update, delete on all tables in schema public to ${role};
     grant usage, select on all sequences in schema public to ${role}`,
  );
}

/**
 * Throws CONFIG_INVALID unless the database is encoded in UTF-8. Other encodings lack some characters, and central would refuse
 * boats that send those.
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
    if (expected === undefined && !isContracting(name)) continue;
    if (expected === undefined)
      throw new CentralFailure('SCHEMA_TOO_NEW', `the database has the unknown migration ${name}`, {
        op: 'migrate',
        hint: 'a newer d3kos-central used this database; run that version',
      });
    if (expected !== digest)
      throw new CentralFailure(
        'MIGRATION_CHANGED',
        `the migration ${name} was changed after it was applied`,
        {
          op: 'migrate',
          hint: 'restore the released migration, and make the change in a new one',
        },
      );
  }
}
