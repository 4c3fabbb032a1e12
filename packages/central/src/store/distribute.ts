import { CentralFailure } from '../platform/errors.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { booleanOf, textOf } from './row.ts';

/** The column by which tables are distributed. Every statement about a boat names its installation. */
export const DISTRIBUTION_KEY = 'installation_id';

/** The distributed table that all others are co-located with, so that an installation's rows are all on one node. */
const FIRST_TABLE = 'installations';

/** The result of `distribute`. */
export interface DistributionReport {
  /** Tables that this run distributed by installation. */
  readonly distributed: readonly string[];
  /** Tables that this run copied to every node. */
  readonly reference: readonly string[];
  /** Tables that an earlier run placed. */
  readonly present: readonly string[];
}

/** How Citus stores a table. `local`: only on the coordinator. */
type Placement = 'distributed' | 'reference' | 'local';

interface Table {
  readonly name: string;
  readonly wanted: Exclude<Placement, 'local'>;
  readonly placement: Placement;
}

/**
 * Distributes the database's tables over the Citus nodes. Tables whose primary key begins with the installation are distributed
 * by installation; the others are copied to every node. Each table is placed in a separate transaction, so an interrupted run can
 * be resumed, and a repeated run changes nothing. Throws DISTRIBUTION_REFUSED if the database has no Citus, or if a table is
 * already distributed differently.
 */
export async function distribute(store: Store): Promise<DistributionReport> {
  await requireCitus(store);
  const tables = toOrder(await loadTables(store));
  const wrong = tables.find(({ wanted, placement }) => placement !== 'local' && placement !== wanted);
  if (wrong !== undefined)
    throw refused(
      `the table ${wrong.name} is a ${wrong.placement} table and must be a ${wrong.wanted} table`,
      `run \`select undistribute_table('${wrong.name}')\`, then repeat this command`,
    );
  const missing = tables.filter(({ placement }) => placement === 'local');
  for (const table of missing) await store.transaction((tx) => place(tx, table));
  const named = (kind: Placement) => missing.filter(({ wanted }) => wanted === kind).map(({ name }) => name);
  return {
    distributed: named('distributed'),
    reference: named('reference'),
    present: tables.filter((table) => !missing.includes(table)).map(({ name }) => name),
  };
}

function refused(message: string, hint: string): CentralFailure {
  return new CentralFailure('DISTRIBUTION_REFUSED', message, { op: 'migrate --distribute', hint });
}

async function requireCitus(store: Queryable): Promise<void> {
  const [row = {}] = await store.query(
    `select to_regclass('pg_dist_partition') is not null
       and (select count(distinct proname) from pg_proc
            where proname in ('create_distributed_table', 'create_reference_table')) = 2 as there`,
  );
  if (booleanOf(row, 'there')) return;
  throw refused(
    'the database has no Citus',
    'install Citus on the coordinator and on every worker, add citus to shared_preload_libraries, run `create extension citus` in this database, and add the workers with `select citus_add_node(host, port)`',
  );
}

/** Returns central's tables with their current placement. Citus marks a table that is copied to every node with `t`. */
async function loadTables(store: Queryable): Promise<readonly Table[]> {
  const rows = await store.query(
    `select c.relname as name, coalesce(a.attname = $1::text, false) as has_key,
       case when p.partmethod = 'h' then 'distributed' when p.partmethod = 'n' and p.repmodel = 't' then 'reference'
         else 'local' end as placement
     from pg_class c
     left join pg_index i on i.indrelid = c.oid and i.indisprimary
     left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
     left join pg_dist_partition p on p.logicalrelid = c.oid::regclass
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.oid <> to_regclass('pg_dist_partition')
     order by c.relname collate "C"`,
    [DISTRIBUTION_KEY],
  );
  return rows.map((row) => ({
    name: textOf(row, 'name'),
    wanted: booleanOf(row, 'has_key') ? 'distributed' : 'reference',
    placement: toPlacement(textOf(row, 'placement')),
  }));
}

function toPlacement(text: string): Placement {
  return text === 'distributed' || text === 'reference' ? text : 'local';
}

/**
 * Returns the tables in the order in which to place them. Reference tables come first, because they are small and show at once
 * whether the workers answer. FIRST_TABLE follows.
 */
function toOrder(tables: readonly Table[]): readonly Table[] {
  const rank = ({ wanted, name }: Table): number =>
    wanted === 'reference' ? 0 : name === FIRST_TABLE ? 1 : 2;
  return tables.toSorted((a, b) => rank(a) - rank(b));
}

async function place(tx: Queryable, { name, wanted }: Table): Promise<void> {
  if (wanted === 'reference') {
    await tx.query('select create_reference_table($1::regclass)', [name]);
    return;
  }
  await tx.query('select create_distributed_table($1::regclass, $2::text, colocate_with => $3::text)', [
    name,
    DISTRIBUTION_KEY,
    name === FIRST_TABLE ? 'default' : FIRST_TABLE,
  ]);
}
