import { recordEvent } from '../installations/audit.ts';
import { COMMAND_LINE, installationNotFound } from '../installations/enroll.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { numberOf, textOf } from '../store/row.ts';

/** Maximum number of rows that one transaction removes, so that no statement reaches its time limit. */
const ROWS_PER_STEP = 10_000;

/** The result of an erasure. */
export interface EraseReport {
  readonly installation_id: string;
  /** Rows removed from each table. */
  readonly removed: Readonly<Record<string, number>>;
}

/** Ports and parameters of `erase`. */
export interface EraseWorld {
  readonly store: Store;
  readonly wallMs: number;
  /** The operator who requested the erasure. Undefined if it was requested on the command line. */
  readonly actor?: string | undefined;
}

/**
 * Removes all of an installation's data from the database. The installation is disabled first, so that no import can add data.
 * Its row in `installations` is removed last, so that an interrupted erasure can be repeated until it is complete. Throws
 * INSTALLATION_NOT_FOUND.
 */
export async function erase(
  { store, wallMs, actor = COMMAND_LINE }: EraseWorld,
  installationId: string,
): Promise<EraseReport> {
  const [known] = await store.query(
    'update installations set is_disabled = true where installation_id = $1::text returning 1',
    [installationId],
  );
  if (known === undefined) throw installationNotFound(installationId);
  const tables = await findTables(store);
  const removed: Record<string, number> = {};
  for (const table of tables) removed[table] = await removeInSteps(store, table, installationId);
  await store.transaction(async (tx) => {
    await tx.query('select 1 from installations where installation_id = $1::text for update', [
      installationId,
    ]);
    // Requests that were already in progress may have added a few rows, for example to the audit trail.
    for (const table of tables)
      removed[table] = (removed[table] ?? 0) + (await removeStep(tx, table, installationId));
    await tx.query('delete from installations where installation_id = $1::text', [installationId]);
    // The event does not name the installation, because nothing about the installation may remain.
    await recordEvent(
      tx,
      {
        installationId: '',
        event: 'installation_erased',
        subject: 'installation',
        actor,
        detail: '',
      },
      wallMs,
    );
  });
  return { installation_id: installationId, removed: { ...removed, installations: 1 } };
}

/**
 * Returns the tables with rows that belong to an installation, except `installations`. The list is read from the database, so
 * that no table is forgotten.
 */
async function findTables(store: Queryable): Promise<readonly string[]> {
  const rows = await store.query(
    `select c.table_name::text as name from information_schema.columns c
       join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
     where c.table_schema = current_schema() and c.column_name = 'installation_id' and t.table_type = 'BASE TABLE'
       and c.table_name <> 'installations'
     order by 1`,
  );
  return rows.map((row) => textOf(row, 'name'));
}

async function removeInSteps(store: Store, table: string, installationId: string): Promise<number> {
  let total = 0;
  for (;;) {
    const removed = await removeStep(store, table, installationId);
    total += removed;
    if (removed < ROWS_PER_STEP) return total;
  }
}

async function removeStep(store: Queryable, table: string, installationId: string): Promise<number> {
  const [row = {}] = await store.query(
    `with removed as (
       delete from ${table} where installation_id = $1::text and ctid = any(array(
         select ctid from ${table} where installation_id = $1::text limit $2::int)) returning 1)
     select count(*)::float8 as removed from removed`,
    [installationId, ROWS_PER_STEP],
  );
  return numberOf(row, 'removed');
}
