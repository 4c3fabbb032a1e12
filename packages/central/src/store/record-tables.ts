import { CATEGORIES, type Category } from '@d3kos/protocol';

/** The columns that only one category's table has, with their types. */
const OWN_COLUMNS: Readonly<Record<Category, Readonly<Record<string, 'text' | 'double precision'>>>> = {
  engine_benchmark: {},
  boatlog: { entry_type: 'text', latitude: 'double precision', longitude: 'double precision' },
  marine_vision_captures: { species: 'text', latitude: 'double precision', longitude: 'double precision' },
  marine_vision_snapshots: { slot: 'text' },
  qr_codes: {},
  settings: {},
  system_alerts: { severity: 'text', status: 'text' },
  onboarding: {},
  telemetry: {},
};

/** Categories whose records have `unread`, a list of the keys that the boat could not read. */
const PARTLY_READ: ReadonlySet<Category> = new Set(['onboarding', 'settings']);

/**
 * SQL for the new record, in which the keys listed in `unread` keep their previous values. A file that is damaged on the boat
 * must not erase its earlier contents.
 */
const WITH_UNREAD_KEYS = `coalesce((select jsonb_object_agg(former.key, former.value) from jsonb_each(held.record) as former
    where excluded.record -> 'unread' ? former.key), '{}'::jsonb) || excluded.record`;

/** Returns the columns that only this category's table has, with their types. */
export function listOwnColumns(
  category: Category,
): readonly (readonly [name: string, type: 'text' | 'double precision'])[] {
  return Object.entries(OWN_COLUMNS[category]);
}

/** Returns the name of the table that holds a category's records. */
export function recordTable(category: Category): `records_${Category}` {
  return `records_${category}`;
}

/** The array parameters that the statements of all categories share, in order. The category's own columns follow. */
const RECORD_COLUMNS = [
  ['record_id', 'text'],
  ['recorded_at', 'timestamptz'],
  ['record', 'jsonb'],
] as const;

/**
 * Returns one statement that stores many records of a category. Parameters: $1 installation, $2 ledger, $3 sequence, $4 export,
 * $5 part, $6 import, $7 received at, $8 ledgers of this installation whose records are not replaced, $9 the bytes of all
 * records as JSON text, or null if they are unknown, from $10 one array for each column of the records: ID, time, record and
 * the category's own columns. It adds the new records to `installation_holdings` and returns one row with `records` and `bytes`,
 * the changes to what central holds. A record from a later export of the same ledger, or from a ledger in $8, is not replaced,
 * because parts, and exports from a lost ledger, may arrive out of order. docs/spec/protocol.md R32: "Central MUST NOT replace a
 * record with an older version from an earlier export of the same ledger, or from an earlier ledger that the boat no longer
 * uses."
 */
export function upsertRecordsSql(category: Category): string {
  return UPSERTS[category];
}

// The statements are built only once, because each is about 2 KB and the driver looks statements up by their text.
const UPSERTS = Object.fromEntries(
  CATEGORIES.map((category) => [category, buildUpsert(category)]),
  // Has an entry for each category.
) as Readonly<Record<Category, string>>;

function buildUpsert(category: Category): string {
  const own = listOwnColumns(category);
  const names = own.map(([name]) => `, ${name}`).join('');
  const columns = [...RECORD_COLUMNS, ...own];
  const arrays = columns.map(([, type], index) => `$${index + 10}::${type}[]`).join(', ');
  const moved = [
    'recorded_at',
    'ledger_id',
    'sequence',
    'export_id',
    'part_index',
    'import_id',
    'sha256',
    'received_at',
    ...own.map(([name]) => name),
  ];
  return `
with written as (
insert into ${recordTable(category)} as held
  (installation_id, record_id, recorded_at, ledger_id, sequence, export_id, part_index, import_id, received_at, record${names})
select $1::text, record_id, recorded_at, $2::text, $3::bigint, $4::text, $5::integer, $6::text, $7::timestamptz, record${names}
from unnest(${arrays}) as r(${columns.map(([name]) => name).join(', ')})
on conflict (installation_id, record_id) do update
set ${moved.map((name) => `${name} = excluded.${name}`).join(', ')},
  record = ${PARTLY_READ.has(category) ? WITH_UNREAD_KEYS : 'excluded.record'}
where (held.ledger_id = excluded.ledger_id
  and (excluded.sequence < held.sequence
    or (excluded.export_id = held.export_id and excluded.part_index < held.part_index))) is not true
  and (held.ledger_id = any($8::text[])) is not true
-- PostgreSQL sets xmax in the new version of a row that replaces another one, and in no other new row.
returning record_id, xmax = 0 as is_new, record
), change as (
  select count(*) filter (where is_new) as records,
    case when count(*) filter (where is_new) = cardinality($10::text[]) and $9::bigint is not null then $9::bigint else
    -- Only for records that were known, or whose size the node does not know: converting them to text takes long.
    (select coalesce(sum(octet_length(w.record::text) - case when w.is_new then 0 else
       -- The statement still sees the rows as they were before it.
       (select octet_length(former.record::text) from ${recordTable(category)} former
        where former.installation_id = $1::text and former.record_id = w.record_id) end), 0)::bigint
     from written w) end as bytes
  from written
), counted as (
  insert into installation_holdings as sums (installation_id, category, records, bytes)
  select $1::text, '${category}', records, bytes from change
  on conflict (installation_id, category) do update set records = sums.records + excluded.records, bytes = sums.bytes + excluded.bytes
)
select records::float8 as records, bytes::float8 as bytes from change`;
}
