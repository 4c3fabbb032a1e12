import { hash } from 'node:crypto';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { isLockTimeout } from '../platform/store-failure.ts';
import type { WaitForLock } from './lock-wait.ts';
import { isContracting, MIGRATIONS, type Migration } from './migrations/index.ts';
import { booleanOf, textOf } from './row.ts';

/**
 * The key of the advisory lock that migrations hold, an arbitrary constant. If two nodes
 * start at the same time, each step is still applied only once.
 */
export const MIGRATION_LOCK = 826_351_108;

/**
 * Longest wait of a step for a table. Most steps need a table exclusively, and while such a request waits, PostgreSQL queues
 * every later request for the table behind it, even the reads of running nodes. A `pg_dump` keeps its tables for hours. The limit
 * is longer than `deadlock_timeout` (1 s), after which PostgreSQL cancels an autovacuum that is in the way.
 */
const TABLE_LOCK_MAX_MS = 3_000;

/**
 * Longest wait for another node's migration before this node checks whether it should stop. The wait is then repeated without
 * limit. Each repetition adds a line to the server's log. A stopping node has 90 s before systemd kills it.
 */
const NODE_LOCK_MAX_MS = 20_000;

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
 * `programRole`, it creates that login and grants it access to every table. If another session does not release a lock in time,
 * the steps are rolled back, and applied again once `waitForLock` resolves; by default this is immediately. Throws what
 * `waitForLock` throws. Throws CONFIG_INVALID for a database that is not encoded in UTF-8, MIGRATION_CHANGED if the text of an
 * applied step has changed, and SCHEMA_TOO_NEW if the database has a contracting step that this version does not know.
 */
export async function migrate(
  store: Store,
  wallMs: number,
  migrations: readonly Migration[] = MIGRATIONS,
  programRole?: string,
  waitForLock: WaitForLock = async () => undefined,
): Promise<MigrationReport> {
  return store.transaction(async (tx) => {
    await takeMigrationLock(tx, waitForLock);
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
    const missing = migrations.filter(({ name }) => !present.has(name));
    await applySteps(tx, missing, wallMs, waitForLock);
    if (programRole !== undefined) await grantProgram(tx, programRole, missing.length > 0);
    return { applied: missing.map(({ name }) => name), present: [...present.keys()] };
  });
}

/** Waits until no other node migrates. A long step of that node must not end this wait. */
async function takeMigrationLock(tx: Queryable, waitForLock: WaitForLock): Promise<void> {
  await tx.script(`set local lock_timeout = ${NODE_LOCK_MAX_MS}`);
  const lock = () => tx.query('select pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
  while (!(await isDoneInTime(tx, lock))) await waitForLock({ kind: 'node' });
}

/**
 * Applies the steps. While it waits for a table, it holds only the migration lock, so that other sessions can use every table and
 * only one node tries.
 */
async function applySteps(
  tx: Queryable,
  missing: readonly Migration[],
  wallMs: number,
  waitForLock: WaitForLock,
): Promise<void> {
  await tx.script(`set local lock_timeout = ${TABLE_LOCK_MAX_MS}`);
  let step = '';
  const apply = async () => {
    for (const { name, sql } of missing) {
      step = name;
      await tx.script(sql);
      await tx.query('insert into schema_migrations values ($1, $2, $3::timestamptz)', [
        name,
        hash('sha256', sql),
        new Date(wallMs).toISOString(),
      ]);
    }
  };
  while (!(await isDoneInTime(tx, apply))) await waitForLock({ kind: 'table', step });
}

/** Runs `work`. Returns false after a lock timeout; the changes of `work` are then rolled back, and its locks are released. */
async function isDoneInTime(tx: Queryable, work: () => Promise<unknown>): Promise<boolean> {
  await tx.script('savepoint before_locks');
  try {
    await work();
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    await tx.script('rollback to savepoint before_locks');
    return false;
  }
  await tx.script('release savepoint before_locks');
  return true;
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
