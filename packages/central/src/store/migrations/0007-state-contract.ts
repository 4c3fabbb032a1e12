/** This step's categories. They are written out, because a released step never changes. */
const RECORD_CATEGORIES = [
  'engine_benchmark',
  'boatlog',
  'marine_vision_captures',
  'marine_vision_snapshots',
  'qr_codes',
  'settings',
  'system_alerts',
  'onboarding',
  'telemetry',
];

const HOLDINGS = RECORD_CATEGORIES.map(
  (category) => `
insert into installation_holdings (installation_id, category, records, bytes)
select installation_id, '${category}', count(*), sum(octet_length(record::text)) from records_${category} group by installation_id;`,
).join('');

/**
 * Adds the state that an import maintains, so that its cost and that of a query do not grow with the history (decision 0037):
 * the number of parts held of each export, ranges of the sequences that central does not hold completely (`ledger_gaps`), the
 * sequences that a boat withdrew, and the number of records held in each category. All of it is computed from the existing
 * rows. Every sequence of the ledger up to and including `held_through` is held completely or withdrawn. Bytes are counted in the
 * records' JSON text, because the size of a stored row depends on the server's compression. `fleet_totals` has one row, which a
 * node recomputes once it is stale.
 */
export const STATE_SQL = `
alter table ledgers add column held_through bigint;
alter table ledgers add column missing_count bigint not null default 0;
alter table ledgers add column withdrawn_count bigint not null default 0;
create index ledgers_order on ledgers (installation_id, ledger_no);

alter table ledger_exports add column part_count integer;
alter table ledger_exports add column parts_held integer;

create index ledgers_concurrent on ledgers (installation_id) where concurrent_at is not null;
create index ledgers_diverged on ledgers (installation_id) where diverged_at is not null;

alter table installations add column missing_sequences bigint not null default 0;
alter table installations add column held_records bigint not null default 0;
alter table installations add column held_bytes bigint not null default 0;
alter table installations add column concurrent_ledgers integer not null default 0;

create table installation_holdings (
  installation_id text not null,
  category text not null,
  records bigint not null,
  bytes bigint not null,
  primary key (installation_id, category)
);

create table fleet_totals (
  id integer primary key,
  computed_at timestamptz not null,
  installations bigint not null,
  documents bigint not null,
  records bigint not null,
  rejected bigint not null,
  concurrent bigint not null,
  diverged bigint not null
);
insert into fleet_totals values (1, 'epoch', 0, 0, 0, 0, 0, 0);

create table withdrawn_sequences (
  installation_id text not null,
  ledger_id text not null,
  sequence bigint not null,
  primary key (installation_id, ledger_id, sequence)
);

create table ledger_gaps (
  installation_id text not null,
  ledger_id text not null,
  first_sequence bigint not null,
  last_sequence bigint not null,
  is_withdrawn boolean not null,
  primary key (installation_id, ledger_id, first_sequence)
);
create index ledger_gaps_missing on ledger_gaps (installation_id, ledger_id, first_sequence) where not is_withdrawn;

insert into withdrawn_sequences (installation_id, ledger_id, sequence)
select distinct installation_id, ledger_id, unnest(withdrawn_sequences) from imports
where ledger_id is not null and withdrawn_sequences is not null;

update ledger_exports e set part_count = held.part_count, parts_held = held.parts_held
from (
  select installation_id, ledger_id, sequence, export_id, max(part_count_newest) as part_count,
    count(*) filter (where part_index <= part_count_newest) as parts_held
  from (select installation_id, ledger_id, sequence, export_id, part_index, first_value(part_count) over
          (partition by installation_id, ledger_id, sequence, export_id order by received_at desc, part_index desc)
          as part_count_newest
        from imports where ledger_id is not null and sequence is not null) parts
  group by installation_id, ledger_id, sequence, export_id
) held
where e.installation_id = held.installation_id and e.ledger_id = held.ledger_id
  and e.sequence = held.sequence and e.export_id = held.export_id;

update ledgers l set highest_sequence = held.highest
from (select installation_id, ledger_id, max(sequence) as highest
      from imports where ledger_id is not null and sequence is not null group by installation_id, ledger_id) held
where l.installation_id = held.installation_id and l.ledger_id = held.ledger_id;

insert into ledger_gaps (installation_id, ledger_id, first_sequence, last_sequence, is_withdrawn)
with points as (
  select installation_id, ledger_id, sequence from ledger_exports where parts_held >= part_count
  union
  select w.installation_id, w.ledger_id, w.sequence from withdrawn_sequences w
    join ledgers l on l.installation_id = w.installation_id and l.ledger_id = w.ledger_id
  where w.sequence between 1 and l.highest_sequence
  union
  select installation_id, ledger_id, 0 from ledgers where highest_sequence is not null
  union
  select installation_id, ledger_id, highest_sequence + 1 from ledgers where highest_sequence is not null
)
select installation_id, ledger_id, sequence + 1, following - 1, false
from (select installation_id, ledger_id, sequence,
        lead(sequence) over (partition by installation_id, ledger_id order by sequence) as following
      from points) pairs
where following > sequence + 1;

insert into ledger_gaps (installation_id, ledger_id, first_sequence, last_sequence, is_withdrawn)
select w.installation_id, w.ledger_id, w.sequence, w.sequence, true from withdrawn_sequences w
  join ledgers l on l.installation_id = w.installation_id and l.ledger_id = w.ledger_id
where w.sequence between 1 and l.highest_sequence
  and not exists (select 1 from ledger_exports e
    where e.installation_id = w.installation_id and e.ledger_id = w.ledger_id and e.sequence = w.sequence
      and e.parts_held >= e.part_count);

update ledgers l set
  missing_count = coalesce((select sum(last_sequence - first_sequence + 1) from ledger_gaps g
    where g.installation_id = l.installation_id and g.ledger_id = l.ledger_id and not g.is_withdrawn), 0),
  withdrawn_count = coalesce((select sum(last_sequence - first_sequence + 1) from ledger_gaps g
    where g.installation_id = l.installation_id and g.ledger_id = l.ledger_id and g.is_withdrawn), 0),
  held_through = coalesce((select min(first_sequence) - 1 from ledger_gaps g
    where g.installation_id = l.installation_id and g.ledger_id = l.ledger_id and not g.is_withdrawn), highest_sequence)
where highest_sequence is not null;

update installations i set missing_sequences = l.missing_count
from ledgers l where l.installation_id = i.installation_id and l.ledger_id = i.last_ledger_id;

update installations i set concurrent_ledgers = c.ledgers + 1
from (select l.installation_id, count(*) as ledgers from ledgers l
        join installations o on o.installation_id = l.installation_id
      where l.concurrent_at > o.last_heard_at - interval '30 days' group by l.installation_id) c
where c.installation_id = i.installation_id;
${HOLDINGS}
update installations i set held_records = held.records, held_bytes = held.bytes
from (select installation_id, sum(records) as records, sum(bytes) as bytes from installation_holdings group by installation_id) held
where held.installation_id = i.installation_id;
`;
