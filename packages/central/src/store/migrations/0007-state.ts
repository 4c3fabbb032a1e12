/**
 * Adds the state that an import maintains, so that its cost and that of a query do not grow with the history (decision 0037):
 * the parts held of each export, the sequences of each ledger that central does not hold whole as ranges (`ledger_gaps`), and the
 * sequences that a boat withdrew. All of it is filled from the imports so far. `held_through` is the highest sequence below which
 * every sequence of the ledger is held whole or withdrawn.
 */
export const STATE_SQL = `
alter table ledgers add column lowest_sequence bigint;
alter table ledgers add column held_through bigint;
alter table ledgers add column missing_count bigint not null default 0;
alter table ledgers add column withdrawn_count bigint not null default 0;
create index ledgers_order on ledgers (installation_id, ledger_no);

alter table ledger_exports add column part_count integer;
alter table ledger_exports add column parts_held integer;

alter table installations add column missing_sequences bigint not null default 0;

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

update ledgers l set lowest_sequence = held.lowest, highest_sequence = held.highest
from (select installation_id, ledger_id, min(sequence) as lowest, max(sequence) as highest
      from imports where ledger_id is not null and sequence is not null group by installation_id, ledger_id) held
where l.installation_id = held.installation_id and l.ledger_id = held.ledger_id;

insert into ledger_gaps (installation_id, ledger_id, first_sequence, last_sequence, is_withdrawn)
with points as (
  select installation_id, ledger_id, sequence from ledger_exports where parts_held >= part_count
  union
  select w.installation_id, w.ledger_id, w.sequence from withdrawn_sequences w
    join ledgers l on l.installation_id = w.installation_id and l.ledger_id = w.ledger_id
  where w.sequence between l.lowest_sequence and l.highest_sequence
  union
  select installation_id, ledger_id, lowest_sequence - 1 from ledgers where lowest_sequence is not null
  union
  select installation_id, ledger_id, highest_sequence + 1 from ledgers where lowest_sequence is not null
)
select installation_id, ledger_id, sequence + 1, following - 1, false
from (select installation_id, ledger_id, sequence,
        lead(sequence) over (partition by installation_id, ledger_id order by sequence) as following
      from points) pairs
where following > sequence + 1;

insert into ledger_gaps (installation_id, ledger_id, first_sequence, last_sequence, is_withdrawn)
select w.installation_id, w.ledger_id, w.sequence, w.sequence, true from withdrawn_sequences w
  join ledgers l on l.installation_id = w.installation_id and l.ledger_id = w.ledger_id
where w.sequence between l.lowest_sequence and l.highest_sequence
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
where lowest_sequence is not null;

update installations i set missing_sequences = l.missing_count
from ledgers l where l.installation_id = i.installation_id and l.ledger_id = i.last_ledger_id;
`;
